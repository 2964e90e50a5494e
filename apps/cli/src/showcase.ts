/** `showcase` in place of a model: the trained model of @qsparse/showcase, which is installed with this command. */
import { ValueError } from '@qsparse/core';
import type { ModelFiles } from '@qsparse/models';

export const SHOWCASE = 'showcase';
/** For those who gave no model. */
export const SHOWCASE_HINT = `${SHOWCASE} is a small model that is installed already`;

/** Throws ValueError where optional packages were left out when the command was installed. */
export async function showcaseModel(): Promise<ModelFiles> {
  const { showcaseFiles } = await showcasePackage();
  return showcaseFiles();
}

/** The folder of its files on this disk. Throws the same. */
export async function showcaseFolder(): Promise<URL> {
  const { SHOWCASE_URLS } = await showcasePackage();
  return new URL('.', SHOWCASE_URLS['config.json']);
}

async function showcasePackage(): Promise<typeof import('@qsparse/showcase')> {
  try {
    return await import('@qsparse/showcase');
  } catch (error) {
    const [why] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new ValueError(
      'model',
      `@qsparse/showcase cannot be loaded (${why})`,
      'npm install @qsparse/showcase',
    );
  }
}
