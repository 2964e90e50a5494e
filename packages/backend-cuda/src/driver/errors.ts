/** What can go wrong below the ops: the driver refuses a call, or a library is not there. */
import { QSparseError } from '@qsparse/core';

/** A call of the CUDA driver, cuBLASLt or NVRTC failed. `status` is its number, `call` its name. */
export class CudaError extends QSparseError {
  readonly call: string;
  readonly status: number;

  constructor(call: string, status: number, what: string, hint = '') {
    super('device', 'cuda', what, hint);
    this.call = call;
    this.status = status;
  }
}

/** What a failed call means for a user, by CUresult. */
export const REMEDIES: Readonly<Record<number, string>> = {
  2: 'use a smaller batch, a shorter row or a smaller model, or end other programs on the GPU (nvidia-smi lists them)',
  100: 'check that nvidia-smi lists a GPU and that CUDA_VISIBLE_DEVICES does not hide it',
  101: 'choose a device number that nvidia-smi lists',
  209: 'the GPU is older than compute capability 7.5',
  218: 'update the NVIDIA driver, or install NVRTC so that kernels are compiled for it',
  222: 'update the NVIDIA driver, or install the NVRTC of its CUDA version so that kernels are compiled for it',
  214: 'the memory of the GPU failed; restart the machine, and have the GPU checked if it happens again',
  700: 'a kernel touched memory that is not its own; QSPARSE_CUDA_DEBUG=1 names it, please report this',
  702: 'a kernel ran longer than the display allows; use a smaller batch, or a GPU without a display',
  715: 'a kernel met an instruction that the GPU does not know; QSPARSE_CUDA_DEBUG=1 names it, please report this',
  716: 'a kernel used a misaligned address; QSPARSE_CUDA_DEBUG=1 names it, please report this',
  719: 'a kernel failed; QSPARSE_CUDA_DEBUG=1 names it, please report this',
  802: 'wait for the NVIDIA fabric manager, or start it',
  803: 'restart the machine: the loaded kernel module and the installed driver library differ',
  804: 'remove the CUDA compatibility library from the library path: this GPU does not take it',
  999: 'restart the machine if nvidia-smi fails too',
};
