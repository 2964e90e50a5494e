/**
 * Rotary positions in config.json: Hugging Face's names for core's RopeScaling, in both directions. Files have
 * `rope_theta` and `rope_scaling`, or both in `rope_parameters` (transformers 5).
 */
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

export interface Rope {
  readonly theta: number;
  readonly scaling: RopeScaling | undefined;
}

/**
 * Reads a whole config.json in either form.
 * @param usual what stands for keys that are absent; the context length is that of the file
 */
export function parseRope(
  config: ObjectReader,
  usual: { readonly theta: number; readonly contextLength: number },
): Rope {
  const theta = config.number('rope_theta', { fallback: usual.theta });
  if (!config.has('rope_parameters')) {
    const scaling = config.object('rope_scaling', { fallback: undefined });
    return { theta, scaling: scaling && parseRopeScaling(scaling, usual.contextLength) };
  }
  if (config.has('rope_scaling')) throw config.invalid('rope_scaling', 'absent beside "rope_parameters"');
  const parameters = config.object('rope_parameters');
  const part = parameters.number('partial_rotary_factor', { fallback: 1 });
  if (part !== 1)
    throw parameters.invalid('partial_rotary_factor', '1: heads that turn in part are not supported');
  return {
    theta: parameters.number('rope_theta', { fallback: theta }),
    scaling: parseRopeScaling(parameters, usual.contextLength, {
      kind: 'default',
      others: ['rope_theta', 'partial_rotary_factor'],
    }),
  };
}

/**
 * Undefined for `default`, which scales nothing. Throws FormatError naming the key.
 * @param contextLength stands for an original length that the file does not name
 */
function parseRopeScaling(
  reader: ObjectReader,
  contextLength: number,
  { kind: usual, others = [] }: { readonly kind?: 'default'; readonly others?: readonly string[] } = {},
): RopeScaling | undefined {
  // Older files say `type`, some both.
  const typeKey = reader.has('rope_type') ? 'rope_type' : 'type';
  const kinds = ['default', 'linear', 'dynamic', 'llama3', 'yarn'] as const;
  const kind = reader.oneOf(typeKey, kinds, usual ? { fallback: usual } : {});
  if (reader.has('type') && reader.get('type') !== kind)
    throw reader.invalid('type', `what "rope_type" is (${kind})`);
  const fields = kind === 'default' ? [] : FIELDS[kind];
  reader.rejectUnknown(['rope_type', 'type', ...others, ...fields.map(({ key }) => key)]);
  if (kind === 'default') return undefined;
  const scaling: Record<string, unknown> = { kind };
  for (const { field, key, optional, boolean } of fields) {
    if (optional && !reader.has(key)) continue;
    const options = field === 'originalLength' ? { fallback: contextLength } : {};
    scaling[field] = boolean ? reader.boolean(key) : reader.number(key, options);
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
