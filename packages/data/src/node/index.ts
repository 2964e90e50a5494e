/** `@qsparse/data/node`: what needs Node's files and zlib. Everything else is in `@qsparse/data`. */
export { nodeDecompressors } from './decompress.ts';
export { readDocumentFiles, readObjectFiles, readTokenizer } from './files.ts';
