/** The files that engines read, made once in a folder that is not part of the repository. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelForm } from './engines.ts';
import { writeGgufModel } from './gguf-model.ts';
import { writeOnnxModel } from './onnx-model.ts';
import { PEER_SHAPES, type PeerShapeName } from './shapes.ts';

/** Its path; written where it is not there yet. */
export async function modelFile(folder: string, name: PeerShapeName, form: ModelForm): Promise<string> {
  const path = join(folder, `${name}.${form === 'gguf' ? 'gguf' : `${form.slice(-1)}-bit.onnx`}`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const shape = PEER_SHAPES[name];
  if (form === 'gguf') await writeGgufModel(path, name, shape);
  else await writeOnnxModel(path, shape, form === 'onnx2' ? 2 : 4);
  return path;
}
