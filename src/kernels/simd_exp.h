// exp() over Simd, for the generic kernels.
#pragma once

namespace aloud {
namespace {

// e^x within 2 units in the last place for x in [-87, 88]; below it is e^-87 (about 1.6e-38), above e^88.
// x = n ln 2 + r with |r| <= ln(2)/2, then a Taylor polynomial of degree 7 in r.
inline Simd exponential(Simd x) {
  x = minimum(maximum(x, Simd::set(-87.0f)), Simd::set(88.0f));
  const Simd n = nearest_integer(x * Simd::set(1.44269504f));
  // ln 2 in two parts, so that the product with n stays exact.
  Simd r = multiply_add(n, Simd::set(-0.693359375f), x);
  r = multiply_add(n, Simd::set(2.12194440e-4f), r);
  Simd p = Simd::set(1.0f / 5040);
  p = multiply_add(p, r, Simd::set(1.0f / 720));
  p = multiply_add(p, r, Simd::set(1.0f / 120));
  p = multiply_add(p, r, Simd::set(1.0f / 24));
  p = multiply_add(p, r, Simd::set(1.0f / 6));
  p = multiply_add(p, r, Simd::set(0.5f));
  p = multiply_add(p, r, Simd::set(1.0f));
  p = multiply_add(p, r, Simd::set(1.0f));
  return scale_by_power_of_two(p, n);
}

}  // namespace
}  // namespace aloud
