// The conformance suite on the GPU of this machine: node conformance.mjs [only names with this text]
// QSPARSE_DEVICE=webgpu goes through Dawn in place of CUDA.
import { conformance, FLUSHED_SUBNORMALS } from '@qsparse/conformance';
import { finish } from 'vitest';

if (process.env.QSPARSE_DEVICE === 'webgpu') {
  const { webgpuDevice } = await import('@qsparse/backend-webgpu');
  const probe = await webgpuDevice();
  const flushes = await probe.flushesSubnormals();
  probe.dispose();
  conformance(() => webgpuDevice(), { skip: flushes ? FLUSHED_SUBNORMALS : [] });
} else {
  const { cudaDevice } = await import('@qsparse/backend-cuda');
  const cublasLt = process.env.QSPARSE_CUBLASLT !== '0';
  conformance(() => cudaDevice({ cublasLt }));
}
process.exitCode = (await finish(process.argv[2])) > 0 ? 1 : 0;
