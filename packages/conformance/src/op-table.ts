/**
 * The cases of every op. The table's type names every export of core and quantizers that ends in Op, so an op
 * without cases does not compile.
 */
import * as core from '@qsparse/core';
import * as quantizers from '@qsparse/quantizers';
import { attentionBackwardCases, attentionCases } from './cases/attention.ts';
import * as elementwise from './cases/elementwise.ts';
import { matmulCases } from './cases/matmul.ts';
import * as model from './cases/model.ts';
import * as movement from './cases/movement.ts';
import * as quantized from './cases/quantizers.ts';
import { randomCases, sampleCases } from './cases/random.ts';
import * as reductions from './cases/reductions.ts';
import { Draw } from './draw.ts';
import type { AnyCase, CaseList } from './op-case.ts';

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
  ropeOp: model.ropeCases,
  sampleOp: sampleCases,
  scaleOp: elementwise.scaleCases,
  sliceOp: movement.sliceCases,
  softmaxBackwardOp: reductions.softmaxBackwardCases,
  softmaxOp: reductions.softmaxCases,
  unaryBackwardOp: elementwise.unaryBackwardCases,
  unaryOp: elementwise.unaryCases,
};

const quantizerCases: Table<typeof quantizers> = {
  quantizeInt8Op: quantized.quantizeInt8Cases,
  selectOp: quantized.selectCases,
  sparsifyOp: quantized.sparsifyCases,
  sparsifyStraightThroughOp: quantized.sparsifyStraightThroughCases,
  ternarizeOp: quantized.ternarizeCases,
};

/** All cases of one op: `key` is the name it is exported by, which is unique where op names are not. */
export interface OpCases {
  readonly key: string;
  readonly op: core.AnyOp;
  readonly cases: readonly AnyCase[];
}

let made: readonly OpCases[] | undefined;

/** Every op with its cases; built once, so that references are computed once for all devices under test. */
export function opCases(): readonly OpCases[] {
  made ??= [...rowsOf(core, coreCases), ...rowsOf(quantizers, quantizerCases)];
  return made;
}

type Lists = Readonly<Record<string, (draw: Draw) => readonly Omit<AnyCase, 'op'>[]>>;

function rowsOf(module: object, table: object): OpCases[] {
  return Object.entries(table as Lists).map(([key, list]) => {
    const op = (module as Readonly<Record<string, core.AnyOp>>)[key]!;
    const inF32 = list(new Draw(key, 'f32'));
    // The same in bf16, but for cases whose dtypes are their own business.
    const inBf16 = list(new Draw(key, 'bf16')).filter((one, i) => dtypesOf(one) !== dtypesOf(inF32[i]!));
    return {
      key,
      op,
      cases: [
        ...inF32.map((one) => ({ ...one, op })),
        ...inBf16.map((one) => ({ ...one, op, name: `bf16 ${one.name}` })),
      ],
    };
  });
}

const dtypesOf = ({ ins }: Omit<AnyCase, 'op'>): string =>
  Object.values(ins)
    .map(({ dtype }) => dtype)
    .join();

/** Whether the case computes in bf16, which not every device does. */
export function needsBf16({ name }: AnyCase): boolean {
  return name.startsWith('bf16 ');
}
