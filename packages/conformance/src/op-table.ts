/**
 * The cases of every op. The table's type names every export of core and quantizers that ends in Op, so an op
 * without cases does not compile.
 */
import * as core from '@qsparse/core';
import * as quantizers from '@qsparse/quantizers';
import { attentionBackwardCases, attentionCases } from './cases/attention.ts';
import * as lists from './cases/channel-lists.ts';
import * as elementwise from './cases/elementwise.ts';
import * as gated from './cases/gated-sparsify.ts';
import { int8EmbeddingCases, int8HeadCases } from './cases/int8-table.ts';
import { matmulCases } from './cases/matmul.ts';
import * as model from './cases/model.ts';
import * as movement from './cases/movement.ts';
import * as quantized from './cases/quantizers.ts';
import { randomCases, sampleCases } from './cases/random.ts';
import * as reductions from './cases/reductions.ts';
import * as rotary from './cases/rotary.ts';
import { gatedSparsifyListCases, sparsifyListCases } from './cases/selected-lists.ts';
import { sparsifyCases, sparsifyStraightThroughCases } from './cases/sparsify.ts';
import { Draw } from './draw.ts';
import { type AnyCase, type CaseList, ONLY_LARGE } from './op-case.ts';

type Ops<Module> = { readonly [K in keyof Module as K extends `${string}Op` ? K : never]: Module[K] };
type Table<Module> = { readonly [K in keyof Ops<Module>]: CaseList<Ops<Module>[K]> };

const coreCases: Table<typeof core> = {
  accumulateOp: elementwise.accumulateCases,
  adamwOp: model.adamwCases,
  argmaxOp: reductions.argmaxCases,
  attentionBackwardOp: attentionBackwardCases,
  attentionOp: attentionCases,
  binaryOp: elementwise.binaryCases,
  broadcastOp: reductions.broadcastCases,
  castOp: movement.castCases,
  castStraightThroughOp: movement.castStraightThroughCases,
  concatOp: movement.concatCases,
  copyOp: movement.copyCases,
  copySectionOp: movement.copySectionCases,
  crossEntropyBackwardOp: model.crossEntropyBackwardCases,
  crossEntropyOp: model.crossEntropyCases,
  embeddingBackwardOp: model.embeddingBackwardCases,
  embeddingOp: model.embeddingCases,
  fillOp: movement.fillCases,
  gatedActivationBackwardOp: elementwise.gatedActivationBackwardCases,
  gatedActivationOp: elementwise.gatedActivationCases,
  globalNormOp: reductions.globalNormCases,
  kvAppendOp: model.kvAppendCases,
  matmulOp: matmulCases,
  permuteOp: movement.permuteCases,
  randomOp: randomCases,
  reduceOp: reductions.reduceCases,
  rmsNormBackwardOp: model.rmsNormBackwardCases,
  rmsNormOp: model.rmsNormCases,
  ropeOp: rotary.ropeCases,
  rotaryHeadsAppendOp: rotary.rotaryHeadsAppendCases,
  rotaryHeadsBackwardOp: rotary.rotaryHeadsBackwardCases,
  rotaryHeadsOp: rotary.rotaryHeadsCases,
  sampleOp: sampleCases,
  scaleOp: elementwise.scaleCases,
  sliceOp: movement.sliceCases,
  softmaxBackwardOp: reductions.softmaxBackwardCases,
  softmaxOp: reductions.softmaxCases,
  unaryBackwardOp: elementwise.unaryBackwardCases,
  unaryOp: elementwise.unaryCases,
};

const quantizerCases: Table<typeof quantizers> = {
  compactOp: lists.compactCases,
  gatedSparsifyBackwardOp: gated.gatedSparsifyBackwardCases,
  gatedSparsifyListOp: gatedSparsifyListCases,
  gatedSparsifyOp: gated.gatedSparsifyCases,
  int8EmbeddingOp: int8EmbeddingCases,
  int8HeadOp: int8HeadCases,
  packTernaryOp: lists.packTernaryCases,
  quantizeInt8Op: quantized.quantizeInt8Cases,
  selectOp: quantized.selectCases,
  sparseGemvOp: lists.sparseGemvCases,
  sparsifyListOp: sparsifyListCases,
  sparsifyOp: sparsifyCases,
  sparsifyStraightThroughOp: sparsifyStraightThroughCases,
  ternarizeOp: quantized.ternarizeCases,
  ternaryGemvOp: lists.ternaryGemvCases,
};

/** All cases of one op: `key` is the name it is exported by, which is unique where op names are not. */
export interface OpCases {
  readonly key: string;
  readonly op: core.AnyOp;
  readonly cases: readonly AnyCase[];
}

let made: readonly OpCases[] | undefined;

/** Every op; its cases are built once, when first asked for, so that devices under test share their references. */
export function opCases(): readonly OpCases[] {
  made ??= [...rowsOf(core, coreCases), ...rowsOf(quantizers, quantizerCases)];
  return made;
}

type Bare = Omit<AnyCase, 'op' | 'bf16'>;
type List = (draw: Draw) => readonly Bare[];

function rowsOf(module: object, table: object): OpCases[] {
  return Object.entries(table as Readonly<Record<string, List>>).map(([key, list]) => {
    const op = (module as Readonly<Record<string, core.AnyOp>>)[key]!;
    let cases: readonly AnyCase[] | undefined;
    return {
      key,
      op,
      get cases() {
        cases ??= casesOf(key, op, list);
        return cases;
      },
    };
  });
}

function casesOf(key: string, op: core.AnyOp, list: List): readonly AnyCase[] {
  const inF32 = list(new Draw(key, 'f32'));
  // The same in bf16, but for cases whose dtypes are their own business and those that are only large.
  const inBf16 = list(new Draw(key, 'bf16')).filter(
    (one, i) => dtypesOf(one) !== dtypesOf(inF32[i]!) && elementsOf(one) < ONLY_LARGE,
  );
  return [
    ...inF32.map((one) => ({ ...one, op, bf16: computesInBf16(op, one) })),
    ...inBf16.map((one) => ({ ...one, op, name: `bf16 ${one.name}`, bf16: computesInBf16(op, one) })),
  ];
}

/** Cases may name their dtypes themselves, mixed ones too; an attribute may name that of a result. */
function computesInBf16(op: core.AnyOp, { ins, shares = {}, attrs }: Bare): boolean {
  if (op.moves) return false;
  const shared = Object.entries(shares).map(([name, other]) => [name, ins[other]!]);
  const given = { ...ins, ...Object.fromEntries(shared) };
  const types: Record<string, core.Type> = { ...given, ...op.infer(given, attrs) };
  return Object.entries(types).some(([name, { dtype }]) => dtype === 'bf16' && !op.stored?.includes(name));
}

const elementsOf = ({ ins }: Bare): number =>
  Object.values(ins).reduce((sum, { elements }) => sum + elements.length, 0);

const dtypesOf = ({ ins }: Bare): string =>
  Object.values(ins)
    .map(({ dtype }) => dtype)
    .join();
