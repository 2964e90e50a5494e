/** Folders of tiny models, one of each kind of tokenizer, as the published ones lay them out. */
import { byteTokens, type TokenizerJson } from '@qsparse/formats';
import { trainBpe } from '../src/tokenizer/train.ts';
import { shakespeare } from './shakespeare.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests bend the files in every place
export type LooseJson = any;

/** tokenizer.json and the files beside it, as plain JSON objects. */
export type TinyModel = Record<string, LooseJson>;

const MIXED =
  "👍🏽 漢字漢字 🇩🇪👩‍👩‍👧 한국어 e\u0301e\u0301 \r\n\r\n\t\t  \u00a0\u00a0 12341234 עברית ½½ don't WON'T __proto__ =>=> ";
const trained = (await trainBpe([shakespeare, MIXED.repeat(20)], { vocabSize: 800 })).toJson();
const BYTES = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
/** What all patterns of the Llama 3 kind share; digits come one to three at a time. */
const pattern = (digits: string): string =>
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

export function added(id: number, content: string, flags: object = {}): LooseJson {
  const none = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return { id, content, ...none, ...flags };
}

/** Puts `bos` before a text. */
export function template(bos: string, id: number): LooseJson {
  const first = { SpecialToken: { id: bos, type_id: 0 } };
  const [a, b] = ['A', 'B'].map((sequence) => ({ Sequence: { id: sequence, type_id: 0 } }));
  const special_tokens = { [bos]: { id: bos, ids: [id], tokens: [bos] } };
  return { type: 'TemplateProcessing', single: [first, a], pair: [first, a, b], special_tokens };
}

function file(parts: LooseJson): LooseJson {
  const none = {
    truncation: null,
    padding: null,
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
  };
  return { version: '1.0', ...none, ...parts };
}

function split(digits: string): LooseJson {
  const step = { type: 'Split', pattern: { Regex: pattern(digits) }, behavior: 'Isolated', invert: false };
  return { type: 'Sequence', pretokenizers: [step, BYTES] };
}

/** The trained tokens without the special one. */
function byteModel(ignore_merges: boolean): LooseJson {
  const tokens = [...trained.model.vocab.keys()].filter((token) => token !== '<|endoftext|>');
  return {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges,
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges: trained.model.merges.map((pair) => pair.join(' ')),
  };
}

/** Pairs of characters merged by how often they come, most frequent first: SentencePiece's BPE in its simplest form. */
function characterModel(): LooseJson {
  let words = [
    ...shakespeare
      .slice(0, 8000)
      .replaceAll(' ', '▁')
      .matchAll(/▁*[^▁]+/g),
  ].map(([word]) => [...word!]);
  const characters = [...new Set(words.flat())].filter((character) => !'xzqJ\n'.includes(character)).sort();
  const tokens = ['<unk>', '<s>', '</s>', ...byteTokens(), ...characters];
  words = words.filter((word) => word.every((character) => characters.includes(character)));
  const merges: string[] = [];
  while (merges.length < 200) {
    const counts = new Map<string, number>();
    for (const word of words)
      for (let at = 1; at < word.length; at++) {
        const pair = `${word[at - 1]} ${word[at]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    const [best] = [...counts].reduce((most, pair) => (pair[1] > most[1] ? pair : most));
    const token = best.replace(' ', '');
    merges.push(best);
    if (!tokens.includes(token)) tokens.push(token);
    for (const word of words)
      for (let at = 1; at < word.length; at++)
        if (`${word[at - 1]} ${word[at]}` === best) word.splice(at - 1, 2, token);
  }
  return {
    ...byteModel(false),
    unk_token: '<unk>',
    fuse_unk: true,
    byte_fallback: true,
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges,
  };
}

const CHARACTERS = characterModel();
const SENTENCEPIECE_DECODER = {
  type: 'Sequence',
  decoders: [
    { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
    { type: 'Strip', content: ' ', start: 1, stop: 0 },
  ],
};

const HEADERS =
  "{% for message in messages %}{{ (bos_token if loop.first else '') + '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}";
const CAPITALS =
  "{% for message in messages %}{{ (bos_token if loop.first else '') + message['role'] | capitalize + ': ' + message['content'] | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant: ' }}{% endif %}";
const TURNS =
  "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

function llama3(): TinyModel {
  const names = [
    '<|begin_of_text|>',
    '<|end_of_text|>',
    '<|start_header_id|>',
    '<|end_header_id|>',
    '<|eot_id|>',
  ];
  const model = byteModel(true);
  const first = Object.keys(model.vocab).length;
  return {
    'tokenizer.json': file({
      added_tokens: names.map((name, index) => added(first + index, name)),
      pre_tokenizer: split(String.raw`\p{N}{1,3}`),
      post_processor: { type: 'Sequence', processors: [BYTES, template(names[0]!, first)] },
      decoder: { ...BYTES, use_regex: true },
      model,
    }),
    'tokenizer_config.json': {
      bos_token: names[0],
      eos_token: names[1],
      chat_template: HEADERS,
      clean_up_tokenization_spaces: true,
      model_max_length: 1e30,
      tokenizer_class: 'PreTrainedTokenizerFast',
    },
    'generation_config.json': { bos_token_id: first, eos_token_id: [first + 1, first + 4] },
  };
}

function qwen(): TinyModel {
  const names = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<think>', '</think>'];
  const model = byteModel(false);
  const first = Object.keys(model.vocab).length;
  const tokens = names.map((name, index) => added(first + index, name, { special: index < 3 }));
  return {
    'tokenizer.json': file({
      added_tokens: tokens,
      normalizer: { type: 'NFC' },
      pre_tokenizer: split(String.raw`\p{N}`),
      post_processor: BYTES,
      decoder: BYTES,
      model,
    }),
    'tokenizer_config.json': {
      add_bos_token: false,
      added_tokens_decoder: Object.fromEntries(tokens.map(({ id, ...rest }) => [id, rest])),
      additional_special_tokens: ['<|im_start|>', '<|im_end|>'],
      bos_token: null,
      chat_template: TURNS,
      eos_token: '<|im_end|>',
      pad_token: '<|endoftext|>',
      tokenizer_class: 'Qwen2Tokenizer',
    },
    'generation_config.json': { eos_token_id: [first + 2, first], pad_token_id: first },
  };
}

function mistral(): TinyModel {
  return {
    'tokenizer.json': file({
      added_tokens: ['<unk>', '<s>', '</s>'].map((name, id) => added(id, name)),
      normalizer: {
        type: 'Sequence',
        normalizers: [
          { type: 'Prepend', prepend: '▁' },
          { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
        ],
      },
      post_processor: template('<s>', 1),
      decoder: SENTENCEPIECE_DECODER,
      model: CHARACTERS,
    }),
    'tokenizer_config.json': {
      add_bos_token: true,
      add_eos_token: false,
      bos_token: '<s>',
      eos_token: { __type: 'AddedToken', content: '</s>', lstrip: false, rstrip: false },
      pad_token: null,
      tokenizer_class: 'LlamaTokenizer',
      unk_token: '<unk>',
    },
  };
}

/** Llama 2 as newer converters write it. */
function metaspace(): TinyModel {
  const model = mistral();
  const step = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: false };
  Object.assign(model['tokenizer.json'], { normalizer: null, pre_tokenizer: step });
  return model;
}

function bitnet(): TinyModel {
  const model = llama3();
  model['tokenizer_config.json'].chat_template = CAPITALS;
  return model;
}

function gpt2(): TinyModel {
  const json = trained as TokenizerJson;
  const vocab = Object.fromEntries(json.model.vocab);
  const merges = json.model.merges.map((pair) => pair.join(' '));
  const tokenizer = { ...json, added_tokens: [added(256, '<|endoftext|>', { normalized: true })] };
  return {
    'tokenizer.json': { ...tokenizer, model: { ...json.model, vocab, merges, unk_token: '' } },
    'tokenizer_config.json': { bos_token: '<|endoftext|>', eos_token: '<|endoftext|>' },
  };
}

const KINDS = { gpt2, llama3, qwen, mistral, metaspace, bitnet } as const;
export type Kind = keyof typeof KINDS;
export const TINY_KINDS: readonly Kind[] = Object.keys(KINDS) as Kind[];

/** A folder of its own, free to be bent. */
export function tinyModel(kind: Kind): TinyModel {
  return structuredClone(KINDS[kind]());
}

/** As `loadTokenizer` takes them. */
export function filesOf(model: TinyModel): Record<string, string> {
  return Object.fromEntries(
    Object.entries(model).map(([name, content]) => [
      name,
      typeof content === 'string' ? content : JSON.stringify(content),
    ]),
  );
}
