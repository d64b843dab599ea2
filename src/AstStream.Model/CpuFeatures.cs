using System.Runtime.Intrinsics.X86;

namespace AstStream.Model;

/// <summary>What .NET's own feature flags do not tell of the processor.</summary>
internal static class CpuFeatures
{
    /// <summary>Whether it multiplies bytes into 32-bit sums without saturation (AVX512_VNNI or AVX-VNNI).</summary>
    public static bool HasVnni { get; } = X86Base.IsSupported
        && ((X86Base.CpuId(7, 0).Ecx & (1 << 11)) != 0 || (X86Base.CpuId(7, 0).Eax >= 1 && (X86Base.CpuId(7, 1).Eax & (1 << 4)) != 0));
}
