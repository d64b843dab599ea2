using AstStream.Dsp;
using AstStream.Events;
using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sources;

namespace AstStream.LoadTest;

/// <summary>
/// What the gate saves and what it misses: each clip's loudest second is mixed once into a minute of background, at several levels over it,
/// and the model hears every scene with the gate and without.
/// </summary>
internal static class GateTrial
{
    private const int Rate = 16_000;
    private const int SceneLength = 60 * Rate;
    private const int At = 40 * Rate;

    private static readonly (string Name, double Level, Func<Random, float[]> Make)[] s_backgrounds =
    [
        ("digital silence", -90, _ => new float[SceneLength]),
        ("white noise", -60, r => Noise(r, pink: false)),
        ("pink noise", -50, r => Noise(r, pink: true)),
        ("hum of 50 Hz and pink noise", -50, r => Hum(Noise(r, pink: true))),
    ];

    public static async Task RunAsync(string folder, string model)
    {
        var clips = Directory.GetFiles(folder, "*.wav").Order(StringComparer.Ordinal).ToList();
        using var checkpoint = AstCheckpoint.Open(model);
        Console.WriteLine(
            $"gate: {clips.Count} clips, each a second of sound in a minute; {checkpoint.Name}, hop 0.5 s, the model's own thresholds");
        Console.WriteLine(
            "| background | sound over it | windows gated | of those without sound | sounds that were gated | scenes with an event | of "
                + "them missed with the gate |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var (name, level, make) in s_backgrounds)
        {
            foreach (var over in (double[])[30, 15, 5])
            {
                var scenes = clips.Select((c, i) => (Id: Path.GetFileName(c), Samples: Scene(make(new Random(i)), level, Loudest(c), over)))
                    .ToList();
                var without = await HearAsync(checkpoint, scenes, gate: false);
                var with = await HearAsync(checkpoint, scenes, gate: true);
                var heard = without.Events.ToHashSet(StringComparer.Ordinal);
                var missed = heard.Except(with.Events).Count();
                Scenarios.Print(
                    $"| {name}, {level} dBFS | {over} dB | {with.Gated:P0} | {with.Gated / (60 - 6.1) * 60:P0} | {with.Missed} of "
                        + $"{scenes.Count} | {heard.Count} of {scenes.Count} | {missed} |");
            }
        }
    }

    /// <summary>
    /// Scenes in which something was heard while the clip sounded, the part of the time that was gated, and scenes in which the sound's own
    /// middle was.
    /// </summary>
    private static async Task<(List<string> Events, double Gated, int Missed)> HearAsync(
        AstCheckpoint checkpoint, List<(string Id, float[] Samples)> scenes, bool gate)
    {
        var window = new WindowOptions(checkpoint.Config.MaxLength, 50, 128) { Gate = gate };
        var thresholds = checkpoint.Config.Labels.Select((_, i) => checkpoint.Thresholds?[i] is { } own && !float.IsNaN(own) ? own : 0.5f)
            .ToArray();
        using var engine = new Engine(
            new Scenes(scenes),
                () => Scorer.Open(
                new ScorerOptions([checkpoint], [checkpoint.Config], [checkpoint.Config.DefaultActivation], checkpoint.Hash),
                new AstSessionOptions { Parity = ParityMode.Off }),
            window, new BatchOptions(), labels: thresholds.Length, thresholds: thresholds);
        await engine.RunAsync();
        var totals = engine.Report.CoverageByModel["m"];
        return ([.. engine.Events.Where(e => e.Offset * Rate > At && e.Onset * Rate < At + Rate).Select(e => e.Stream.Id).Distinct()],
            (double)totals.Gated / totals.Total,
            engine.Coverage.Values.Count(
                c => c.Any(i => i.State == CoverageState.Gated && i.Start < At + (Rate / 2) && i.End > At + (Rate / 2))));
    }

    private static float[] Scene(float[] background, double level, float[] clip, double over)
    {
        Scale(background, level);
        var sound = clip.ToArray();
        Scale(sound, level + over);
        for (var i = 0; i < sound.Length; i++)
            background[At + i] += sound[i];
        return background;
    }

    /// <summary>Brings a sound to a level in dBFS, where it has one.</summary>
    private static void Scale(float[] samples, double level)
    {
        var rms = Math.Sqrt(samples.Sum(s => (double)s * s) / samples.Length);
        if (rms == 0)
            return;
        foreach (ref var sample in samples.AsSpan())
            sample *= (float)(Math.Pow(10, level / 20) / rms);
    }

    private static float[] Loudest(string path)
    {
        using var reader = WavReader.Open(path);
        var resampler = new Resampler(reader.Format.SampleRate, Rate);
        var (input, output, all) = (new float[4096], new float[8192], new List<float>());
        for (int read; (read = reader.Read(input)) > 0;)
        {
            for (var rest = input.AsSpan(0, read); !rest.IsEmpty;)
            {
                all.AddRange(output.AsSpan(0, resampler.Process(rest, output, out var taken)));
                rest = rest[taken..];
            }
        }

        var samples = all.ToArray();
        var best = Enumerable.Range(0, Math.Max(1, (samples.Length - Rate) / 1600))
            .MaxBy(i => samples.Skip(i * 1600).Take(Rate).Sum(s => (double)s * s));
        return [.. samples.Skip(best * 1600).Take(Rate)];
    }

    private static float[] Noise(Random random, bool pink)
    {
        var noise = new float[SceneLength];
        Span<double> rows = stackalloc double[16]; // Voss and McCartney's pink noise
        for (var i = 0; i < noise.Length; i++)
        {
            var white = random.NextDouble() - 0.5;
            if (pink)
            {
                rows[System.Numerics.BitOperations.TrailingZeroCount(i | 0x8000)] = random.NextDouble() - 0.5;
                foreach (var row in rows)
                    white += row;
            }

            noise[i] = (float)white;
        }

        return noise;
    }

    private static float[] Hum(float[] noise)
    {
        for (var i = 0; i < noise.Length; i++)
            noise[i] += (float)(3 * Math.Sin(2 * Math.PI * 50 * i / Rate) + Math.Sin(2 * Math.PI * 150 * i / Rate));
        return noise;
    }

    private sealed class Scenes(List<(string Id, float[] Samples)> scenes) : IAudioSource
    {
        public string Description => $"{scenes.Count} scenes";

        public bool IsLive => false;

        public async Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation)
        {
            foreach (var (id, samples) in scenes)
            {
                var stream = new StreamInfo(id, output.Source);
                for (var at = 0; at < samples.Length; at += 1600)
                {
                    var block = AudioBlock.Rent(stream, at, Rate, Math.Min(1600, samples.Length - at));
                    samples.AsSpan(at, block.Samples.Length).CopyTo(block.Samples);
                    await output.WriteAsync(block, cancellation).ConfigureAwait(false);
                }

                await output.EndAsync(stream, Rate, samples.Length, cancellation).ConfigureAwait(false);
            }
        }
    }
}
