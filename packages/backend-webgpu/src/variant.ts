/** What kernels may use besides core WebGPU and f32: asked of the adapter once, when a device is opened. */
export interface Variant {
  readonly subgroups: boolean;
  /** Sizes that a subgroup may have; 1 where there are none. */
  readonly subgroupMin: number;
  readonly subgroupMax: number;
  /** `enable f16;` */
  readonly f16: boolean;
  /** The language feature packed_4x8_integer_dot_product. */
  readonly dot8: boolean;
  /** Times of passes can be measured. */
  readonly timestamps: boolean;
  /** The side of subgroup matrices, f16 with sums in f32, where they were asked for and are there. */
  readonly matrixSide: 8 | 16 | undefined;
  /** Bytes of workgroup memory and invocations of one workgroup: 16384 and 256 everywhere, more on most. */
  readonly workgroupBytes: number;
  readonly workgroupThreads: number;
}
