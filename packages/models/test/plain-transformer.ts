/**
 * The published models in plain loops over float64, written from the definitions of transformers' configuration keys and
 * tensor names: a second opinion that shares no code with the packages. Slow, for tests.
 */

export interface PlainTensor {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

export interface PlainModel {
  /** config.json as the file has it, with the keys that matter written out. */
  readonly config: Readonly<Record<string, unknown>>;
  /** By their names in checkpoints; ternary weights as -1, 0, 1. */
  readonly tensors: ReadonlyMap<string, PlainTensor>;
  /** `scale` beside ternary weights; `online` rounds when it multiplies. */
  readonly ternary?: 'multiplies' | 'divides' | 'online';
}

type Row = number[];

/** Logits [T][V] of one text. */
export function plainLogits({ config, tensors, ternary }: PlainModel, tokens: readonly number[]): Row[] {
  const number = (key: string): number => config[key] as number;
  const [width, heads] = [number('hidden_size'), number('num_attention_heads')];
  const groups = number('num_key_value_heads');
  const size = (config.head_dim as number | undefined) ?? width / heads;
  const epsilon = number('rms_norm_eps');
  const { frequencies, factor } = rope(config, size);

  const row = (name: string, i: number): Row => {
    const { shape, data } = tensors.get(name)!;
    return Array.from({ length: shape[1]! }, (_, j) => data[i * shape[1]! + j]!);
  };
  const norm = (x: Row, name: string): Row => {
    const weight = tensors.get(`${name}.weight`)?.data;
    if (!weight) return x;
    const scale = 1 / Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length + epsilon);
    return x.map((v, i) => v * scale * weight[i]!);
  };
  const linear = (input: Row, name: string): Row => {
    const weight = tensors.get(`${name}.weight`)!;
    const bias = tensors.get(`${name}.bias`)?.data;
    const x = ternary ? int8(input) : input;
    const [scale, values] = ternary
      ? ternaryWeights(weight, tensors.get(`${name}.weight_scale`), ternary)
      : [1, weight.data];
    return Array.from({ length: weight.shape[0]! }, (_, i) => {
      let sum = 0;
      for (let j = 0; j < x.length; j++) sum += x[j]! * values[i * x.length + j]!;
      return sum * scale + (bias?.[i] ?? 0);
    });
  };
  /** Pairs (i, i + D/2) of each head, normed first where the layer has such norms. */
  const turned = (x: Row, position: number, normName: string): Row[] =>
    Array.from({ length: x.length / size }, (_, head) => {
      const part = norm(x.slice(head * size, (head + 1) * size), normName);
      return part.map((value, i) => {
        const angle = position * frequencies[i % (size / 2)]!;
        const other = i < size / 2 ? -part[i + size / 2]! : part[i - size / 2]!;
        return factor * (value * Math.cos(angle) + other * Math.sin(angle));
      });
    });

  let states = tokens.map((token) => row('model.embed_tokens.weight', token));
  for (let layer = 0; layer < number('num_hidden_layers'); layer++) {
    const name = (part: string): string => `model.layers.${layer}.${part}`;
    const normed = states.map((x) => norm(x, name('input_layernorm')));
    const project = (part: string): Row[] => normed.map((x) => linear(x, name(`self_attn.${part}_proj`)));
    const queries = project('q').map((x, t) => turned(x, t, name('self_attn.q_norm')));
    const keys = project('k').map((x, t) => turned(x, t, name('self_attn.k_norm')));
    const values = project('v');
    const window = windowOf(config, layer);
    states = states.map((x, t) => {
      const mixed: Row = [];
      for (let head = 0; head < heads; head++) {
        const group = Math.floor((head * groups) / heads);
        const seen = keys.flatMap((_, s) => (s <= t && t - s < window ? [s] : []));
        const scores = seen.map((s) => dot(queries[t]![head]!, keys[s]![group]!) / Math.sqrt(size));
        const largest = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - largest));
        const total = weights.reduce((sum, weight) => sum + weight);
        for (let i = 0; i < size; i++)
          mixed.push(
            seen.reduce((sum, s, k) => sum + (weights[k]! / total) * values[s]![group * size + i]!, 0),
          );
      }
      return plus(x, linear(norm(mixed, name('self_attn.attn_sub_norm')), name('self_attn.o_proj')));
    });
    states = states.map((x) => {
      const inner = norm(x, name('post_attention_layernorm'));
      const up = linear(inner, name('mlp.up_proj'));
      const gated = linear(inner, name('mlp.gate_proj')).map((gate, i) => activation(config, gate) * up[i]!);
      return plus(x, linear(norm(gated, name('mlp.ffn_sub_norm')), name('mlp.down_proj')));
    });
  }
  const head = config.tie_word_embeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
  return states.map((x) => {
    const final = norm(x, 'model.norm');
    return Array.from({ length: number('vocab_size') }, (_, i) => dot(final, row(head, i)));
  });
}

const dot = (a: Row, b: Row): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const plus = (a: Row, b: Row): Row => a.map((value, i) => value + b[i]!);

function activation(config: PlainModel['config'], x: number): number {
  return config.hidden_act === 'silu' ? x / (1 + Math.exp(-x)) : Math.max(x, 0) ** 2;
}

function windowOf(config: PlainModel['config'], layer: number): number {
  const window = config.sliding_window as number | null | undefined;
  const type = (config.layer_types as readonly string[] | undefined)?.[layer];
  return window && type !== 'full_attention' ? window : Number.POSITIVE_INFINITY;
}

function halfToEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

function int8(x: Row): Row {
  const scale = 127 / Math.max(1e-5, ...x.map(Math.abs));
  return x.map((value) => Math.min(127, Math.max(-128, halfToEven(value * scale))) / scale);
}

function ternaryWeights(
  { data }: PlainTensor,
  stored: PlainTensor | undefined,
  kind: NonNullable<PlainModel['ternary']>,
): [scale: number, values: ArrayLike<number>] {
  if (kind === 'multiplies') return [stored!.data[0]!, data];
  if (kind === 'divides') return [1 / stored!.data[0]!, data];
  const mean = Math.max(
    1e-5,
    Array.from(data).reduce((sum, value) => sum + Math.abs(value), 0) / data.length,
  );
  return [mean, Array.from(data, (value) => Math.min(1, Math.max(-1, halfToEven(value / mean))))];
}

/** Angles per position of each pair, and what cosine and sine are multiplied by. */
function rope(config: PlainModel['config'], size: number): { frequencies: Row; factor: number } {
  const parameters = (config.rope_parameters ?? config.rope_scaling ?? {}) as Readonly<
    Record<string, number>
  >;
  const theta = parameters.rope_theta ?? (config.rope_theta as number);
  const kind = (parameters as Record<string, unknown>).rope_type ?? 'default';
  const plain = Array.from({ length: size / 2 }, (_, i) => 1 / theta ** ((2 * i) / size));
  const { factor = 1, original_max_position_embeddings: length = 0 } = parameters;
  if (kind === 'linear') return { frequencies: plain.map((f) => f / factor), factor: 1 };
  if (kind === 'llama3') {
    const { low_freq_factor: low = 0, high_freq_factor: high = 0 } = parameters;
    const frequencies = plain.map((f) => {
      const wave = (2 * Math.PI) / f;
      if (wave > length / low) return f / factor;
      if (wave < length / high) return f;
      const smooth = (length / wave - low) / (high - low);
      return (1 - smooth) * (f / factor) + smooth * f;
    });
    return { frequencies, factor: 1 };
  }
  if (kind === 'yarn') {
    const pair = (turns: number): number =>
      (size * Math.log(length / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
    const first = Math.max(Math.floor(pair(32)), 0);
    const last = Math.min(Math.ceil(pair(1)), size - 1);
    const frequencies = plain.map((f, i) => {
      const ramp = Math.min(1, Math.max(0, (i - first) / (last === first ? 0.001 : last - first)));
      return (f / factor) * ramp + f * (1 - ramp);
    });
    return { frequencies, factor: 0.1 * Math.log(factor) + 1 };
  }
  return { frequencies: plain, factor: 1 };
}
