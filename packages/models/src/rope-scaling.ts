/** `rope_scaling` of config.json: Hugging Face's names for core's RopeScaling, in both directions. */
import type { RopeScaling } from '@qsparse/core';
import type { JsonObject, ObjectReader } from '@qsparse/formats';

interface Field {
  /** In RopeScaling. */
  readonly field: string;
  /** In config.json. */
  readonly key: string;
  readonly optional?: boolean;
  readonly boolean?: boolean;
}

const factor: Field = { field: 'factor', key: 'factor' };
const originalLength: Field = { field: 'originalLength', key: 'original_max_position_embeddings' };

const FIELDS: Readonly<Record<RopeScaling['kind'], readonly Field[]>> = {
  linear: [factor],
  dynamic: [factor, originalLength],
  llama3: [
    factor,
    { field: 'lowFrequencyFactor', key: 'low_freq_factor' },
    { field: 'highFrequencyFactor', key: 'high_freq_factor' },
    originalLength,
  ],
  yarn: [
    factor,
    originalLength,
    { field: 'betaFast', key: 'beta_fast', optional: true },
    { field: 'betaSlow', key: 'beta_slow', optional: true },
    { field: 'attentionFactor', key: 'attention_factor', optional: true },
    { field: 'mscale', key: 'mscale', optional: true },
    { field: 'mscaleAllDim', key: 'mscale_all_dim', optional: true },
    { field: 'truncate', key: 'truncate', optional: true, boolean: true },
  ],
};

/** Undefined for `default`, which scales nothing. Throws FormatError naming the key. */
export function parseRopeScaling(reader: ObjectReader): RopeScaling | undefined {
  // Older files say `type`.
  const typeKey = reader.has('rope_type') ? 'rope_type' : 'type';
  const kind = reader.oneOf(typeKey, ['default', 'linear', 'dynamic', 'llama3', 'yarn']);
  const fields = kind === 'default' ? [] : FIELDS[kind];
  reader.rejectUnknown(['rope_type', 'type', ...fields.map(({ key }) => key)]);
  if (kind === 'default') return undefined;
  const scaling: Record<string, unknown> = { kind };
  for (const { field, key, optional, boolean } of fields) {
    if (optional && !reader.has(key)) continue;
    scaling[field] = boolean ? reader.boolean(key) : reader.number(key);
  }
  return scaling as RopeScaling;
}

export function formatRopeScaling(scaling: RopeScaling): JsonObject {
  const values = scaling as Readonly<Record<string, unknown>>;
  const entries = FIELDS[scaling.kind].map(({ field, key }) => [key, values[field]]);
  return {
    rope_type: scaling.kind,
    ...Object.fromEntries(entries.filter(([, value]) => value !== undefined)),
  };
}
