using System.Diagnostics;
using System.Globalization;
using AstStream.Dsp;
using AstStream.Station.Clips;

namespace AstStream.LoadTest;

/// <summary>The last seconds of many streams in memory: how much they take, and what packing costs beside FLAC.</summary>
internal static class RingTrial
{
    private const int Rate = 16_000;
    private const int Block = 1600; // samples

    public static void Run(int streams, double seconds, string? recording, long limit)
    {
        var kinds = new List<(string Name, float[] Sound)>
        {
            ("noise at -30 dBFS", Noise(0.05f)),
            ("noise at -50 dBFS", Noise(0.005f)),
        };
        if (recording is not null)
            kinds.Insert(0, (Path.GetFileName(recording), Read(recording)));
        Costs("(warming up)", kinds[^1].Sound);
        foreach (var (name, sound) in kinds)
        {
            Costs(name, sound);
            Memory(name, sound, streams, seconds, limit);
        }
    }

    private static void Costs(string name, float[] sound)
    {
        short[] samples = [.. sound.Select(s => (short)Math.Clamp(MathF.Round(s * 32768), short.MinValue, short.MaxValue))];
        var packed = new byte[PackedPcm.MaxBytes(8192)];
        long bytes = 0;
        var file = Path.GetTempFileName();
        var (pack, flac) = (new List<double>(), new List<double>());
        long flacBytes = 0;
        for (var turn = 0; turn < 5; turn++)
        {
            bytes = 0;
            var clock = Stopwatch.StartNew();
            foreach (var part in samples.Chunk(8192))
                bytes += PackedPcm.Pack(part, packed);
            pack.Add(clock.Elapsed.TotalSeconds);
            clock.Restart();
            using (var writer = new FlacWriter(file, Rate))
            {
                writer.Append(samples);
                writer.Complete();
            }

            flac.Add(clock.Elapsed.TotalSeconds);
            flacBytes = new FileInfo(file).Length;
        }

        File.Delete(file);
        double Median(List<double> times) => times.Order().ElementAt(2);
        double length = (double)samples.Length / Rate;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name}: packed to {100.0 * bytes / (2 * samples.Length):0.0} % at {length / Median(pack):0} times real time "
                + $"({Median(pack) * 1e9 / samples.Length:0.0} ns a sample); FLAC to {100.0 * flacBytes / (2 * samples.Length):0.0} % at "
                + $"{length / Median(flac):0} times"));
    }

    private static void Memory(string name, float[] sound, int streams, double seconds, long limit)
    {
        GC.Collect();
        var before = Usage.Resident;
        var memory = new SoundMemory(limit);
        SoundRing[] rings = [.. Enumerable.Range(0, streams).Select(_ => new SoundRing(memory))];
        var random = new Random(3);
        int[] offsets = [.. rings.Select(_ => random.Next(sound.Length - Block))];
        var usage = new Usage();
        for (long at = 0; at < (long)(1.5 * seconds * Rate); at += Block)
        {
            for (var i = 0; i < streams; i++)
            {
                rings[i].Add(at, sound.AsSpan((int)((offsets[i] + at) % (sound.Length - Block)), Block));
                rings[i].Trim(at + Block - (long)(seconds * Rate));
            }
        }

        var kept = rings.Average(r => (double)(r.End - r.Start) / Rate);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name}: {streams} streams, {kept:0.0} s each: {memory.Used / 1e6:0} MB used, resident {Usage.Resident - before:0} MB more; "
                + $"{1.5 * seconds * streams / usage.Seconds:0} times real time on one thread"));
        GC.KeepAlive(rings);
    }

    private static float[] Noise(float amplitude)
    {
        var random = new Random(2);
        return [.. Enumerable.Range(0, 60 * Rate).Select(_ => (float)(amplitude * ((2 * random.NextDouble()) - 1)))];
    }

    private static float[] Read(string path)
    {
        using var reader = WavReader.Open(path, null);
        var resampler = new Resampler(reader.Format.SampleRate, Rate);
        var (block, room) = (new float[4096], new float[8192]);
        var sound = new List<float>();
        for (int read; (read = reader.Read(block)) > 0;)
        {
            for (var rest = block.AsSpan(0, read); !rest.IsEmpty;)
            {
                var given = resampler.Process(rest, room, out var taken);
                sound.AddRange(room.AsSpan(0, given));
                rest = rest[taken..];
            }
        }

        return [.. sound];
    }
}
