using System.Runtime.InteropServices;
using AstStream.Dsp;
using BigGustave;

namespace AstStream.Station.Notify;

/// <summary>The spectrogram of a clip as a PNG: log-mel frames of the front end, time to the right, 128 mel bins up to 8 kHz.</summary>
internal static class ClipPicture
{
    private const int Width = 640;
    private const int RowsOfBin = 2;
    private const int MostSamples = 192_000 * 300;
    private const float Range = 12f; // from the loudest down, in natural log of power: 52 dB

    private static readonly (byte R, byte G, byte B)[] s_stops = // black over violet and orange to pale yellow, as on the page
        [(0, 0, 4), (40, 11, 84), (101, 21, 110), (159, 42, 99), (212, 72, 66), (245, 125, 21), (250, 193, 39), (252, 255, 164)];

    /// <summary>Draws a clip's file; null where it is too short.</summary>
    /// <exception cref="InvalidAudioException">It can't be read.</exception>
    /// <exception cref="IOException">Nor can its file.</exception>
    public static byte[]? Of(string file)
    {
        if (!file.EndsWith(".flac", StringComparison.Ordinal))
        {
            using var wav = WavReader.Open(file);
            var all = new List<float>();
            var buffer = new float[16_384];
            for (int n; (n = wav.Read(buffer)) > 0 && all.Count < MostSamples;)
                all.AddRange(buffer.AsSpan(0, n));
            return Draw(CollectionsMarshal.AsSpan(all), wav.Format.SampleRate);
        }

        var samples = new List<float>();
        var format = FlacReader.Decode(File.ReadAllBytes(file), MostSamples, samples);
        return Draw(CollectionsMarshal.AsSpan(samples), format.SampleRate);
    }

    /// <summary>Draws mono samples; null where they are too few.</summary>
    public static byte[]? Draw(ReadOnlySpan<float> samples, int sampleRate)
    {
        var fbank = new OnlineFbank();
        var frames = Frames(fbank, samples, sampleRate);
        var (bins, count) = (fbank.NumMelBins, frames.Count / fbank.NumMelBins);
        if (count == 0)
            return null;
        var all = CollectionsMarshal.AsSpan(frames);
        var top = float.MinValue;
        foreach (var value in all)
            top = Math.Max(top, value);
        var width = Math.Min(Width, count);
        var image = PngBuilder.Create(width, bins * RowsOfBin, hasAlphaChannel: false);
        for (var x = 0; x < width; x++)
        {
            var (from, to) = ((int)((long)x * count / width), (int)((long)(x + 1) * count / width));
            for (var bin = 0; bin < bins; bin++)
            {
                var loudest = float.MinValue;
                for (var frame = from; frame < to; frame++)
                    loudest = Math.Max(loudest, all[(frame * bins) + bin]);
                var (r, g, b) = Colour(Math.Clamp(1 + ((loudest - top) / Range), 0, 1));
                for (var row = 0; row < RowsOfBin; row++)
                    image.SetPixel(r, g, b, x, ((bins - 1 - bin) * RowsOfBin) + row);
            }
        }

        using var png = new MemoryStream();
        image.Save(png);
        return png.ToArray();
    }

    private static List<float> Frames(OnlineFbank fbank, ReadOnlySpan<float> samples, int sampleRate)
    {
        var resampler = new Resampler(sampleRate, FbankOptions.SampleRate);
        var (resampled, frames) = (new float[4096], new List<float>());
        while (!samples.IsEmpty)
        {
            fbank.AppendFrames(resampled.AsSpan(0, resampler.Process(samples, resampled, out var taken)), frames);
            samples = samples[taken..];
        }

        for (int given; (given = resampler.Flush(resampled)) > 0;)
            fbank.AppendFrames(resampled.AsSpan(0, given), frames);
        return frames;
    }

    private static (byte R, byte G, byte B) Colour(float value)
    {
        var at = value * (s_stops.Length - 1);
        var (a, b) = (s_stops[(int)at], s_stops[Math.Min(s_stops.Length - 1, (int)at + 1)]);
        byte Mixed(byte from, byte to) => (byte)(from + ((to - from) * (at - (int)at)));
        return (Mixed(a.R, b.R), Mixed(a.G, b.G), Mixed(a.B, b.B));
    }
}
