//! Four numbers of a row of q, k or v, whose heads are of any size and place; d is a multiple of 4.

fn load_q(row: u32, d: u32) -> vec4f {
  let at = arguments.q_at + row * arguments.width + d;
  if (d + 3u < arguments.width) {
    return vec4f(q[at], q[at + 1u], q[at + 2u], q[at + 3u]);
  }
  var values = vec4f(q[at], 0.0, 0.0, 0.0);
  if (d + 1u < arguments.width) {
    values.y = q[at + 1u];
  }
  if (d + 2u < arguments.width) {
    values.z = q[at + 2u];
  }
  return values;
}

fn load_k(row: u32, d: u32) -> vec4f {
  let at = arguments.k_at + row * arguments.width + d;
  if (d + 3u < arguments.width) {
    return vec4f(k[at], k[at + 1u], k[at + 2u], k[at + 3u]);
  }
  var values = vec4f(k[at], 0.0, 0.0, 0.0);
  if (d + 1u < arguments.width) {
    values.y = k[at + 1u];
  }
  if (d + 2u < arguments.width) {
    values.z = k[at + 2u];
  }
  return values;
}

fn load_v(row: u32, d: u32) -> vec4f {
  let at = arguments.v_at + row * arguments.width + d;
  if (d + 3u < arguments.width) {
    return vec4f(v[at], v[at + 1u], v[at + 2u], v[at + 3u]);
  }
  var values = vec4f(v[at], 0.0, 0.0, 0.0);
  if (d + 1u < arguments.width) {
    values.y = v[at + 1u];
  }
  if (d + 2u < arguments.width) {
    values.z = v[at + 2u];
  }
  return values;
}
