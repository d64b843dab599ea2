using System.Diagnostics;
using AstStream.Dsp.Levels;

namespace AstStream.Benchmarks;

/// <summary>
/// Times level meters as a station runs them: a hundred streams in turns, 100 ms of noise each, one thread. Prints the share of a core that
/// they take, the median and the least of many seconds of sound.
/// </summary>
internal static class LevelLines
{
    private const int Streams = 100;
    private const int Seconds = 30; // of sound, before and while it is timed

    public static void Print()
    {
        foreach (var rate in (int[])[16_000, 48_000])
        {
            foreach (var hasBands in (bool[])[false, true])
                Line(rate, hasBands);
        }
    }

    private static void Line(int rate, bool hasBands)
    {
        var noise = FrontEndLines.Noise(rate);
        var meters = Enumerable.Range(0, Streams).Select(_ => new SoundLevelMeter(rate, hasBands)).ToList();
        var shares = new List<double>();
        for (var second = 0; second < 2 * Seconds; second++)
        {
            var start = Stopwatch.GetTimestamp();
            for (var at = 0; at < rate; at += rate / SoundLevelMeter.PiecesPerSecond)
            {
                foreach (var meter in meters)
                {
                    ReadOnlySpan<float> block = noise.AsSpan(at, meter.PieceLength);
                    meter.Accept(ref block);
                }
            }

            if (second >= Seconds)
                shares.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        shares.Sort();
        var name = $"levels {rate} Hz{(hasBands ? ", bands" : "")}";
        Console.WriteLine($"{name}\t{shares[shares.Count / 2]:P2}\t{shares[0]:P2} of a core for {Streams} streams");
    }
}
