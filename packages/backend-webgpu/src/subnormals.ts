/** Whether a GPU takes subnormal numbers for 0, as WGSL allows: a kernel that computes with one. */
import { waiting } from './polling.ts';

const CODE = `
@group(0) @binding(0) var<storage, read_write> cells: array<f32>;
@compute @workgroup_size(1) fn probe() {
  cells[2] = cells[0] * cells[1];
  cells[3] = cells[0] + cells[0];
}`;
const SUBNORMAL = 1e-40;
const BYTES = 16;
const STORAGE_COPY = 0x80 | 0x08 | 0x04;
const MAP_READ_COPY_DST = 0x01 | 0x08;
const READ = 1;

export async function findFlushing(device: GPUDevice): Promise<boolean> {
  const cells = device.createBuffer({ size: BYTES, usage: STORAGE_COPY });
  const results = device.createBuffer({ size: BYTES, usage: MAP_READ_COPY_DST });
  try {
    const module = device.createShaderModule({ code: CODE });
    const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
    const entries = [{ binding: 0, resource: { buffer: cells } }];
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    device.queue.writeBuffer(cells, 0, Float32Array.of(SUBNORMAL, 1.5, 1, 1));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(1);
    pass.end();
    encoder.copyBufferToBuffer(cells, 0, results, 0, BYTES);
    device.queue.submit([encoder.finish()]);
    waiting();
    await results.mapAsync(READ);
    const [, , product, sum] = new Float32Array(results.getMappedRange());
    return product === 0 || sum === 0;
  } finally {
    cells.destroy();
    results.destroy();
  }
}
