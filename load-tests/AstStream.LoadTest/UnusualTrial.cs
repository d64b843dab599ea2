using System.Globalization;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Events.Unusual;
using AstStream.Learning;
using AstStream.Model.Runtime;

namespace AstStream.LoadTest;

/// <summary>
/// Days of made sites, whose sound is that of recordings by class: how often one sounds unusual on days that nothing was set by, and what
/// is found of sounds that do not belong there. Clips are called as ESC-50's: FOLD-SOURCE-TAKE-CLASS.wav.
/// </summary>
internal static class UnusualTrial
{
    private const int Rate = 16_000;
    private const int Days = 15;
    private const int Learning = 5; // days, of which three are what it learns by
    private const int Step = 10; // seconds from window to window
    private const int ScenesADay = 96;
    private const int Probes = 150;

    private static readonly DateTimeOffset s_start = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

    // What a site sounds like by day and by night, as classes of ESC-50.
    private static readonly (string Name, int[] Day, int[] Night)[] s_sites =
    [
        ("a workshop: engine, vacuum cleaner, saw, clock; rain by night", [44, 36, 49, 38], [10, 38, 16]),
        ("a garden: birds, wind, aeroplane, water; crickets by night", [14, 16, 47, 17], [13, 16, 10]),
        ("a street: engine, wind, footsteps, aeroplane; wind by night", [44, 16, 25, 47], [16, 10, 44]),
    ];

    public static void Run(string folder, string model)
    {
        var clips = Directory.GetFiles(folder, "*.wav").Order(StringComparer.Ordinal).GroupBy(
            f => int.Parse(Path.GetFileNameWithoutExtension(f).Split('-')[3], CultureInfo.InvariantCulture))
            .ToDictionary(g => g.Key, g => g.ToList());
        using var tagger = AudioTagger.Open(model, new AstSessionOptions { Threads = 1 });
        foreach (var (name, day, night) in s_sites)
        {
            var site = new Site(clips, day, night, tagger);
            var options = new UnusualOptions(2, TimeSpan.FromDays(3));
            var decoder = new UnusualDecoder(site.At(0).Length, options);
            var alarms = new int[Days];
            for (long t = 0; t < Days * 86_400; t += Step)
                decoder.Push(t * Rate, (t + Step) * Rate, s_start.AddSeconds(t), site.At(t), e =>
                {
                    if (e.State == EventState.Opened)
                        alarms[t / 86_400]++;
                });
            Console.WriteLine($"{name}: wanted 2 a day; days 4 and 5: {string.Join(", ", alarms[3..Learning])}; held-out days 6 to 15: "
                + $"{string.Join(", ", alarms[Learning..])}, {(double)alarms[Learning..].Sum() / (Days - Learning):0.0} a day");
            using var saved = new MemoryStream();
            using (var output = new BinaryWriter(saved, System.Text.Encoding.UTF8, leaveOpen: true))
                decoder.Save(output);
            foreach (var over in (double[])[12, 6, 0])
                Console.WriteLine($"  of {Probes} sounds of other classes, {over} dB over it for 30 s: "
                    + $"{(double)Enumerable.Range(0, Probes).Count(i => IsFound(saved, options, site, i, over)) / Probes:P0} are found");
        }
    }

    /// <summary>Whether three windows with another sound are an event.</summary>
    private static bool IsFound(MemoryStream saved, UnusualOptions options, Site site, int probe, double over)
    {
        var random = new Random(probe);
        var decoder = new UnusualDecoder(site.At(0).Length, options);
        saved.Position = 0;
        using (var input = new BinaryReader(saved, System.Text.Encoding.UTF8, leaveOpen: true))
            decoder.Restore(input);
        var found = false;
        var at = (Days * 86_400L) + random.Next(86_400);
        for (var i = 0; i < 3; i++)
            decoder.Push(
                (at + (i * Step)) * Rate, (at + ((i + 1) * Step)) * Rate, s_start.AddSeconds(at + (i * Step)),
                site.Disturbed(at, random, over), e => found |= e.State == EventState.Opened);
        return found;
    }

    /// <summary>Scenes of a quarter of an hour, each of two recordings, whose windows are two cuts of the mixture.</summary>
    private sealed class Site(
        IReadOnlyDictionary<int, List<string>> clips, int[] day, int[] night, AudioTagger tagger)
    {
        private readonly Dictionary<long, float[][]> _scenes = [];
        private readonly Dictionary<string, float[]> _sounds = [];
        private readonly List<string> _others =
            [.. clips.Where(c => !day.Contains(c.Key) && !night.Contains(c.Key)).SelectMany(c => c.Value)];

        public float[] At(long t)
        {
            var number = t / (86_400 / ScenesADay);
            if (!_scenes.TryGetValue(number, out var windows))
            {
                var random = new Random((int)number);
                var scene = Scene(t, random);
                _scenes.Clear();
                _scenes[number] = windows = [.. Enumerable.Range(0, 2).Select(_ => tagger.Embed(Shifted(scene, random), Rate))];
            }

            return windows[new Random((int)t).Next(windows.Length)];
        }

        public float[] Disturbed(long t, Random random, double over)
        {
            var scene = Shifted(Scene(t, random), random);
            var other = Shifted(Sound(_others[random.Next(_others.Count)]), random);
            var gain = Level(scene) / Math.Max(1e-6, Level(other)) * Math.Pow(10, over / 20);
            return tagger.Embed(scene.Zip(other, (a, b) => a + (float)(gain * b)).ToArray(), Rate);
        }

        private float[] Scene(long t, Random random)
        {
            var classes = t / 3600 % 24 is >= 7 and < 21 ? day : night;
            float[] One()
            {
                var known = clips[classes[random.Next(classes.Length)]];
                var sound = Shifted(Sound(known[random.Next(known.Count)]), random);
                var gain = 0.05 / Math.Max(1e-6, Level(sound)) * Math.Pow(10, -12 * random.NextDouble() / 20);
                return [.. sound.Select(v => (float)(v * gain))];
            }

            return [.. One().Zip(One(), (a, b) => a + b)];
        }

        private float[] Sound(string path)
        {
            if (_sounds.TryGetValue(path, out var sound))
                return sound;
            using var reader = WavReader.Open(path);
            var samples = new float[5 * Rate];
            for (int at = 0, read; (read = reader.Read(samples.AsSpan(at))) > 0; at += read)
            {
            }

            return _sounds[path] = samples;
        }

        private static float[] Shifted(float[] sound, Random random)
        {
            var by = random.Next(sound.Length);
            return [.. sound[by..], .. sound[..by]];
        }

        private static double Level(float[] sound) => Math.Sqrt(sound.Average(v => (double)v * v));
    }
}
