/** What the device must know of a WGSL module besides its text; made by scripts/build-wgsl.mjs. */
export interface ModuleData {
  readonly source: string;
  /** Number of the binding that holds the arguments. */
  readonly uniform: number;
  readonly bindings: readonly BindingData[];
  /** In the order of the struct; 4 bytes each. */
  readonly fields: readonly FieldData[];
  readonly overrides: readonly string[];
}

export interface BindingData {
  readonly name: string;
  readonly index: number;
  readonly writes: boolean;
  /** Bytes of an element of the array. */
  readonly unit: number;
}

export interface FieldData {
  /** In camel case. */
  readonly name: string;
  readonly type: 'u32' | 'i32' | 'f32';
  /** The binding whose begin it says, filled by the device. */
  readonly view?: string;
}
