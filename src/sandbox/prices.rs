//! What instructions cost in fuel: so much that a unit takes about the same time whatever a guest spends it on. Measured by
//! `merit-bench fuel`; most instructions cost 1, which is some tenths of a nanosecond.
//!
//! Fuel decides what is in a dataset, so that a change here is another [`VERSION`].

use wasmtime::OperatorCost;

/// The version of all prices, those of memory and instances included: part of the engine's name in the evidence of a run.
pub const VERSION: u32 = 2;

/// Fuel for a page (64 KiB) of linear memory, when it is there at the start and when it is grown. The engine takes no
/// more than a byte for it.
pub const FUEL_PER_PAGE: u8 = u8::MAX;

/// Fuel for an element of a table that is copied, of which each is looked at.
const COPIED_ELEMENT: u8 = 4;

macro_rules! prices {
    ($($price:literal: $($operator:ident)*;)*) => {
        /// The prices that are not 1.
        pub fn operators() -> OperatorCost {
            let mut cost = OperatorCost::new();
            $($(cost.$operator = $price;)*)*
            cost.variable.memory_grow_per_page = FUEL_PER_PAGE;
            cost.variable.table_copy_per_element = COPIED_ELEMENT;
            cost
        }
    };
}

prices! {
    // Calls into the host that look something up, or begin what is meant for large blocks: 100 to 300 ns.
    128: RefFunc MemoryFill;
    // Calls into the host: 5 to 20 ns.
    32: MemoryGrow TableGrow;
    16: MemoryCopy MemoryInit TableCopy TableFill TableInit ElemDrop DataDrop;
    // Calls into the host, one for each lane: the baseline of processors has no instruction for them.
    16: F32x4Ceil F32x4Floor F32x4Trunc F32x4Nearest;
    8: F64x2Ceil F64x2Floor F64x2Trunc F64x2Nearest I8x16Swizzle I8x16Shuffle;
    4: F32Ceil F32Floor F32Trunc F32Nearest F64Ceil F64Floor F64Trunc F64Nearest;
    // Division, of which older processors take far longer than newer ones.
    16: I64DivS I64DivU I64RemS I64RemU;
    8: I32DivS I32DivU I32RemS I32RemU;
    // Floats: numbers near zero take 30 to 80 ns, others 3 to 6.
    16: F32Mul F32Div F32Sqrt F64Mul F64Div F64Sqrt F32DemoteF64 F64PromoteF32;
    16: F32x4Mul F32x4Div F32x4Sqrt F64x2Mul F64x2Div F64x2Sqrt F32x4DemoteF64x2Zero F64x2PromoteLowF32x4;
    8: F32x4Min F32x4Max F64x2Min F64x2Max;
    4: F32Add F32Sub F32Min F32Max F64Add F64Sub F64Min F64Max F32x4Add F32x4Sub F64x2Add F64x2Sub;
    4: I32TruncF32S I32TruncF32U I32TruncF64S I32TruncF64U I64TruncF32S I64TruncF32U I64TruncF64S I64TruncF64U;
    4: I32TruncSatF32S I32TruncSatF32U I32TruncSatF64S I32TruncSatF64U;
    4: I64TruncSatF32S I64TruncSatF32U I64TruncSatF64S I64TruncSatF64U;
    4: F32ConvertI32S F32ConvertI32U F32ConvertI64S F32ConvertI64U;
    4: F64ConvertI32S F64ConvertI32U F64ConvertI64S F64ConvertI64U;
    4: I32x4TruncSatF32x4S I32x4TruncSatF32x4U I32x4TruncSatF64x2SZero I32x4TruncSatF64x2UZero;
    4: F32x4ConvertI32x4S F32x4ConvertI32x4U F64x2ConvertLowI32x4S F64x2ConvertLowI32x4U;
    // What the baseline makes of several instructions.
    4: I32Popcnt I64Popcnt I8x16Popcnt CallIndirect;
    4: I16x8ExtAddPairwiseI8x16S I16x8ExtAddPairwiseI8x16U I32x4ExtAddPairwiseI16x8S I32x4ExtAddPairwiseI16x8U;
    4: I16x8Q15MulrSatS I16x8NarrowI32x4U I8x16Splat V128AnyTrue;
    4: I8x16AllTrue I16x8AllTrue I32x4AllTrue I64x2AllTrue I8x16Bitmask I16x8Bitmask I32x4Bitmask I64x2Bitmask;
    4: I16x8ExtMulLowI8x16S I16x8ExtMulHighI8x16S I16x8ExtMulLowI8x16U I16x8ExtMulHighI8x16U;
    4: I32x4ExtMulLowI16x8S I32x4ExtMulHighI16x8S I32x4ExtMulLowI16x8U I32x4ExtMulHighI16x8U;
    4: I64x2ExtMulLowI32x4S I64x2ExtMulHighI32x4S I64x2ExtMulLowI32x4U I64x2ExtMulHighI32x4U;
    4: I32x4Mul I64x2Mul;
    2: I32Clz I32Ctz I64Clz I64Ctz Call;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What takes long is not to be had for the price of an addition.
    #[test]
    fn prices_follow_the_time_that_is_taken() {
        let cost = operators();
        let ascending = [
            cost.I32Add,
            cost.Call,
            cost.F64Floor,
            cost.F64x2Floor,
            cost.F32x4Floor,
            cost.MemoryGrow,
            cost.RefFunc,
        ];
        assert!(ascending.is_sorted_by(|less, more| less < more), "{ascending:?}");
        assert_eq!((cost.I32Add, cost.LocalGet, cost.Nop, cost.Block), (1, 1, 0, 0));
        assert_eq!(cost.variable.memory_fill_per_byte, 1);
    }
}
