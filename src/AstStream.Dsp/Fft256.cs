namespace AstStream.Dsp;

/// <summary>What does not depend on the lanes.</summary>
internal static class Fft256
{
    /// <summary>Points.</summary>
    public const int N = 256;

    /// <summary>exp(-2πi·k/n).</summary>
    public static (float Re, float Im) Root(int k, int n) => ((float)Math.Cos(2 * Math.PI * k / n), (float)-Math.Sin(2 * Math.PI * k / n));
}
