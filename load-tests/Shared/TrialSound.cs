using AstStream.Dsp;

namespace AstStream.LoadTest;

/// <summary>The sound of a trial's streams, no two alike.</summary>
internal static class TrialSound
{
    /// <summary>A quarter of a second of a stream: a new tone, chirp or noise every two seconds or so, with silence between.</summary>
    public static void Fill(int stream, int block, short[] samples)
    {
        var turn = (block + (stream % 5)) / 9;
        var random = new Random((stream * 7919) + (turn * 104_729));
        var (kind, pitch, level) = (random.Next(4), 100 + random.Next(4000), 1000 + random.Next(15_000));
        var noise = new Random((stream * 31) + (block * 17));
        for (var i = 0; i < samples.Length; i++)
        {
            var time = ((block * (double)samples.Length) + i) / FbankOptions.SampleRate;
            samples[i] = (short)(kind switch
            {
                0 => noise.Next(-20, 20),
                1 => level * Math.Sin(2 * Math.PI * pitch * time),
                2 => noise.Next(-level, level),
                _ => level * Math.Sin(2 * Math.PI * pitch * time * (1 + (0.2 * Math.Sin(8 * time)))) * Math.Exp(-5 * (time % 0.5)),
            });
        }
    }
}
