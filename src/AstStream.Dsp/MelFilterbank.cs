namespace AstStream.Dsp;

/// <summary>
/// Kaldi's mel triangles: evenly spaced on mel(f) = 1127·ln(1 + f/700), weights taken in mel space, no area normalisation,
/// the Nyquist bin weighted 0. (Kaldi, feat/mel-computations.)
/// </summary>
internal static class MelFilterbank
{
    /// <summary>The bins that one triangle touches, and their weights. A narrow triangle may touch none.</summary>
    public readonly record struct Triangle(int FirstBin, double[] Weights);

    public static Triangle[] Create(int numMelBins)
    {
        const int bins = FbankOptions.FftLength / 2;
        var low = Mel(FbankOptions.LowFreq);
        var delta = (Mel(FbankOptions.HighFreq) - low) / (numMelBins + 1);
        var triangles = new Triangle[numMelBins];
        for (var m = 0; m < numMelBins; m++)
        {
            double left = low + (m * delta), centre = left + delta, right = centre + delta;
            var first = 0;
            var weights = new List<double>();
            for (var k = 0; k < bins; k++)
            {
                var mel = Mel(k * (double)FbankOptions.SampleRate / FbankOptions.FftLength);
                if (mel <= left || mel >= right)
                    continue;
                if (weights.Count == 0)
                    first = k;
                weights.Add(mel <= centre ? (mel - left) / (centre - left) : (right - mel) / (right - centre));
            }

            triangles[m] = new Triangle(first, [.. weights]);
        }

        return triangles;
    }

    private static double Mel(double frequency) => 1127 * Math.Log(1 + (frequency / 700));
}
