//! Four numbers of a row of q, k or v, whose heads are whole vectors of 16 bytes; d is a multiple of 4.

fn load_q(row: u32, d: u32) -> vec4f {
  return q[arguments.q_at + (row * arguments.width + d) / 4u];
}

fn load_k(row: u32, d: u32) -> vec4f {
  return k[arguments.k_at + (row * arguments.width + d) / 4u];
}

fn load_v(row: u32, d: u32) -> vec4f {
  return v[arguments.v_at + (row * arguments.width + d) / 4u];
}
