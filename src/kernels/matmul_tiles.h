// Panels times columns of x in register tiles, for any instruction set: see matmul_lanes_avx512.h.
#pragma once

namespace aloud {
namespace {

// One weight group's part of a total: see matmul.h. first: there is no total yet.
template <QuantForm kForm, bool kOffset>
ALOUD_INLINE Floats add_part(bool first, Floats total, Ints dot, Floats scale, Floats offset, float bias) {
  Floats value = to_floats(dot);
  if (kForm == QuantForm::kBiased) value += every_float(bias);
  value = first ? value * scale : multiply_add(value, scale, total);
  return kOffset ? multiply_add(offset, every_float(bias), value) : value;
}

// Registers follow one another through the rows of one or two panels.
ALOUD_INLINE const WeightPanel& panel_of(const WeightPanel* panels, int vector) {
  return panels[vector * kLanes / kPanelRows];
}
constexpr int row_of(int vector) { return vector * kLanes % kPanelRows; }

// dot[c][v] = rows of register v times column c over columns [k, k + kGroup) of the panels.
template <int kGroup, QuantForm kForm, int kVectors, int kColumns>
ALOUD_INLINE void dot_group(const WeightPanel* panels, int k, const std::int8_t* const (&x)[kColumns],
                            Ints (&dot)[kColumns][kVectors]) {
#pragma GCC unroll 8
  for (int c = 0; c < kColumns; ++c) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) dot[c][v] = Ints{};
  }
#pragma GCC unroll 8
  for (int step = 0; step < kGroup / 4; ++step) {
    Factors<kForm> weights[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      weights[v] = prepare<kForm>(load_ints(panel_of(panels, v).quant[k / 4 + step][row_of(v)]));
    }
#pragma GCC unroll 8
    for (int c = 0; c < kColumns; ++c) {
      const Ints four = every_four(x[c] + 4 * step);
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) add_products(dot[c][v], weights[v], four);
    }
  }
}

// One register tile: see PanelProduct.
template <int kGroup, QuantForm kForm, bool kOffset, int kVectors, int kColumns>
void multiply_tile(const WeightPanel* panels, int groups, const ActivationGroup* const* x, float* sums) {
  constexpr int kParts = kActivationGroup / kGroup;
  for (int g = 0; g < groups; ++g) {
    Floats total[kColumns][kVectors];
#pragma GCC unroll 2
    for (int part = 0; part < kParts; ++part) {
      const int i = g * kParts + part;
      const std::int8_t* quants[kColumns];
#pragma GCC unroll 8
      for (int c = 0; c < kColumns; ++c) quants[c] = x[c][g].quant + part * kGroup;
      Ints dot[kColumns][kVectors];
      dot_group<kGroup, kForm, kVectors, kColumns>(panels, i * kGroup, quants, dot);
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        const Floats scale = load_floats(panel_of(panels, v).scale[i] + row_of(v));
        const Floats offset = kOffset ? load_floats(panel_of(panels, v).offset[i] + row_of(v)) : Floats{};
#pragma GCC unroll 8
        for (int c = 0; c < kColumns; ++c) {
          const float bias = kParts == 1 ? x[c][g].bias : x[c][g].half_bias[part];
          total[c][v] = add_part<kForm, kOffset>(part == 0, total[c][v], dot[c][v], scale, offset, bias);
        }
      }
    }
#pragma GCC unroll 8
    for (int c = 0; c < kColumns; ++c) {
      const Floats scale = every_float(x[c][g].scale);
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        float* sum = sums + c * kPanelsAtOnce * kPanelRows + v * kLanes;
        store_floats(sum, multiply_add(total[c][v], scale, load_floats(sum)));
      }
    }
  }
}

template <int kGroup, QuantForm kForm, bool kOffset, int kVectors>
void multiply_columns(const WeightPanel* panels, const PanelProduct& product, float* sums) {
  constexpr int kTileColumns = tile_columns(kGroup);
  const ActivationGroup* const* x = product.x;
  int left = product.count;
  for (; left >= kTileColumns; left -= kTileColumns) {
    multiply_tile<kGroup, kForm, kOffset, kVectors, kTileColumns>(panels, product.groups, x, sums);
    x += kTileColumns;
    sums += kTileColumns * kPanelsAtOnce * kPanelRows;
  }
  const auto rest = [&]<int kColumns>() {
    if constexpr (kColumns < kTileColumns) {
      multiply_tile<kGroup, kForm, kOffset, kVectors, kColumns>(panels, product.groups, x, sums);
    }
  };
  switch (left) {
    case 5:
      return rest.template operator()<5>();
    case 4:
      return rest.template operator()<4>();
    case 3:
      return rest.template operator()<3>();
    case 2:
      return rest.template operator()<2>();
    case 1:
      return rest.template operator()<1>();
  }
}

template <int kGroup, QuantForm kForm, bool kOffset>
void multiply_panels(const PanelProduct& product) {
  constexpr int kPanelVectors = kPanelRows / kLanes;
  constexpr int kTilePanels = kTileVectors / kPanelVectors;
  int p = 0;
  for (; p + kTilePanels <= product.panel_count; p += kTilePanels) {
    multiply_columns<kGroup, kForm, kOffset, kTileVectors>(product.panels + p, product,
                                                           product.sums + p * kPanelRows);
  }
  if constexpr (kTilePanels > 1) {
    if (p < product.panel_count) {
      multiply_columns<kGroup, kForm, kOffset, kPanelVectors>(product.panels + p, product,
                                                              product.sums + p * kPanelRows);
    }
  }
}

template <int kGroup>
void multiply_groups(const PanelFormat& format, const PanelProduct& product) {
  if (format.form == QuantForm::kUnsigned)
    return multiply_panels<kGroup, QuantForm::kUnsigned, true>(product);
  if (format.has_offset) return multiply_panels<kGroup, kSignedForm, true>(product);
  multiply_panels<kGroup, kSignedForm, false>(product);
}

void multiply(const PanelFormat& format, const PanelProduct& product) {
  if (format.group == 16) return multiply_groups<16>(format, product);
  multiply_groups<32>(format, product);
}

}  // namespace
}  // namespace aloud
