// The conformance suite on the GPU of this machine: node conformance.mjs [only names with this text]
import { cudaDevice } from '@qsparse/backend-cuda';
import { conformance } from '@qsparse/conformance';
import { finish } from 'vitest';

const cublasLt = process.env.QSPARSE_CUBLASLT !== '0';
conformance(() => cudaDevice({ cublasLt }));
process.exitCode = (await finish(process.argv[2])) > 0 ? 1 : 0;
