import { positionStep, rotaryHeadsBackwardOp } from '@qsparse/core';
import { at, type CudaKernel, cudaKernel } from '../launch.ts';
import { gridOver } from './elementwise.ts';
import { canBeWide, rotaryHeadsSizes } from './rotary-heads.ts';

export const rotaryHeadsBackward: CudaKernel = cudaKernel(
  rotaryHeadsBackwardOp,
  ({ dQuery, dKey, dValue, table, position }, { dx }, _attrs, context) => {
    const args = {
      ...{ dQuery: at(dQuery), dKey: at(dKey), dValue: at(dValue) },
      ...{ table: at(table), position: at(position), dx: at(dx) },
      ...rotaryHeadsSizes(dQuery, dKey, table),
      positionStep: positionStep(position),
      wide: canBeWide(dQuery, [dQuery, dKey, dValue, table, dx]) ? 1 : 0,
    };
    context.launch(
      dx.dtype === 'f32' ? 'rotary_heads_backward_f32' : 'rotary_heads_backward_bf16',
      args,
      gridOver(context, dx),
    );
  },
);
