// The packages that are published: folder, manifest, entry points.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';

/**
 * @typedef {object} PublishedPackage
 * @property {string} name
 * @property {string} folder relative to the root
 * @property {readonly string[]} entries what users import: `@qsparse/core`, `@qsparse/core/reference`
 * @property {Record<string, Record<string, string>>} exports
 * @property {Record<string, unknown>} manifest
 */

/** @returns {PublishedPackage[]} in the order of their folders */
export function publishedPackages() {
  return ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(root, parent)).flatMap((child) => {
      const folder = `${parent}/${child}`;
      const file = join(root, folder, 'package.json');
      if (!existsSync(file)) return [];
      const manifest = JSON.parse(readFileSync(file, 'utf8'));
      if (manifest.private) return [];
      const exports = Object.fromEntries(
        Object.entries(manifest.exports ?? {}).filter(([, target]) => typeof target === 'object'),
      );
      const entries = Object.keys(exports).map((path) => manifest.name + path.slice(1));
      return [{ name: manifest.name, folder, entries, exports, manifest }];
    }),
  );
}
