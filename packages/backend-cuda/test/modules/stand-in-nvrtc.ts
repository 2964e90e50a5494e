/** A tiny library with NVRTC's calls: its machine code is the text `CODE:` and the program's name. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCE = `
#include <stdlib.h>
#include <string.h>
struct Program { char name[100]; };
static int compiled, alive, status;
static const char *text = "";
int nvrtcVersion(int *major, int *minor) { *major = 12; *minor = 8; return 0; }
int nvrtcCreateProgram(struct Program **p, const char *source, const char *name, int n, void *t, void *u) {
  (void)source; (void)n; (void)t; (void)u;
  *p = calloc(1, sizeof **p);
  strncpy((*p)->name, name, 99);
  alive++;
  return 0;
}
int nvrtcCompileProgram(struct Program *p, int count, const char **options) {
  (void)p;
  __atomic_add_fetch(&compiled, 1, __ATOMIC_SEQ_CST); // several threads compile at once
  if (count < 1 || strcmp(options[0], "--gpu-architecture=sm_90") != 0) return 5;
  for (int i = 1; i < count; i++)
    if (strcmp(options[i], "-default-device") == 0) return status;
  return 5;
}
int nvrtcGetCUBINSize(struct Program *p, size_t *size) { *size = 5 + strlen(p->name); return 0; }
int nvrtcGetCUBIN(struct Program *p, char *code) {
  memcpy(code, "CODE:", 5);
  memcpy(code + 5, p->name, strlen(p->name));
  return 0;
}
int nvrtcGetProgramLogSize(struct Program *p, size_t *size) { (void)p; *size = strlen(text) + 1; return 0; }
int nvrtcGetProgramLog(struct Program *p, char *log) { (void)p; strcpy(log, text); return 0; }
int nvrtcDestroyProgram(struct Program **p) { free(*p); *p = 0; alive--; return 0; }
void standInFail(int with, const char *log) { status = with; text = strdup(log); }
int standInCompiled(void) { return compiled; }
int standInAlive(void) { return alive; }
`;

/** Builds it into a folder; undefined where there is no C compiler. */
export function buildStandIn(folder: string): string | undefined {
  if (process.platform === 'win32') return undefined;
  const [source, library] = [join(folder, 'nvrtc.c'), join(folder, 'libnvrtc-stand-in.so')];
  writeFileSync(source, SOURCE);
  const { status } = spawnSync('cc', ['-shared', '-fPIC', '-O0', '-o', library, source]);
  return status === 0 ? library : undefined;
}
