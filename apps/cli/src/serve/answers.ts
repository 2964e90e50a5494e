/** What answers of both APIs have in common. */
import { randomUUID } from 'node:crypto';
import type { EndReason } from '@qsparse/models';
import type { ServedModel } from './served-model.ts';

export interface Head {
  readonly id: string;
  readonly object: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
}

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

export function headOf(prefix: string, object: string, { id }: ServedModel): Head {
  return {
    id: `${prefix}-${randomUUID().replaceAll('-', '')}`,
    object,
    created: Math.floor(Date.now() / 1000),
    model: id,
  };
}

export function usageOf(prompt: number, completion: number): Usage {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

/** An aborted text has nobody who reads why. */
export const finishReason = (end: EndReason | undefined): 'stop' | 'length' | null =>
  end === undefined ? null : end === 'stop' ? 'stop' : 'length';
