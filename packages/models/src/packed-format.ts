/**
 * Which stored weights are packed for decoding alone, told by the text entries of the file: the layout of packed-decode.ts,
 * which other layouts may follow. Knows nothing of tensors.
 */
import { FormatError, type TensorStore } from '@qsparse/formats';

/** What the file says of itself. */
export const PACKED_DECODE: Readonly<Record<'format' | 'layout', string>> = {
  format: 'qsparse-packed-decode',
  layout: '1',
};

/** Throws FormatError `value` for packed weights in a layout that is not known here. */
export function isPackedDecode({ name, metadata }: TensorStore): boolean {
  if (metadata.get('format') !== PACKED_DECODE.format) return false;
  const layout = metadata.get('layout');
  if (layout === PACKED_DECODE.layout) return true;
  const message = `[load] ${name}: packed weights of layout ${PACKED_DECODE.layout} are read here, got ${layout === undefined ? 'none' : JSON.stringify(layout)}; export the model again with \`qsparse export --packed-decode\` of this version`;
  throw new FormatError('value', message, { file: name, key: 'layout' });
}

/** Throws FormatError `value` for weights that can only be decoded with. */
export function requireUnpacked(store: TensorStore): void {
  if (!isPackedDecode(store)) return;
  const message = `[load] ${store.name}: weights packed for decoding can only generate text; give the model that they were exported from`;
  throw new FormatError('value', message, { file: store.name, key: 'format' });
}
