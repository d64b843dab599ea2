using System.Diagnostics.CodeAnalysis;
using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Events.Unusual;
using FsCheck.Xunit;

namespace AstStream.Tests.Events;

/// <summary>What is unusual of a stream.</summary>
[SuppressMessage("Security", "CA5394:Do not use insecure randomness", Justification = "Sound of tests.")]
public class UnusualTests
{
    private const int Dimensions = 24;
    private const int Step = 10; // seconds from window to window

    private static readonly DateTimeOffset s_start = new(2026, 5, 1, 0, 0, 0, TimeSpan.FromHours(2));
    private static readonly UnusualOptions s_twoADay = new(2, TimeSpan.FromDays(3));

    [Property(MaxTest = 30)]
    public bool Distance_AnyEmbeddings_IsThatOfTheShrunkCovarianceAboutTheHours(int seed)
    {
        const int size = 5;
        var random = new Random(seed);
        var habit = new SoundHabit(size);
        List<(int Hour, float[] Of)> known =
            [.. Enumerable.Range(0, random.Next(1, 400)).Select(_ => (random.Next(24), Direction(random, size)))];
        foreach (var (hour, of) in known)
            habit.Add(hour, of);
        habit.Fit();

        double[] Mean(IEnumerable<float[]> of, double[] also, double weight)
        {
            List<float[]> all = [.. of];
            return [.. Enumerable.Range(0, size).Select(i => (all.Sum(v => (double)v[i]) + (weight * also[i])) / (all.Count + weight))];
        }

        var mean = Mean(known.Select(k => k.Of), new double[size], 0);
        double[][] means = [.. Enumerable.Range(0, 24).Select(h => Mean(known.Where(k => k.Hour == h).Select(k => k.Of), mean, 60))];
        var covariance = new double[size, size];
        foreach (var (hour, of) in known)
        {
            for (var i = 0; i < size * size; i++)
                covariance[i / size, i % size] +=
                    (of[i / size] - means[hour][i / size]) * (of[i % size] - means[hour][i % size]) / known.Count;
        }

        var variance = Enumerable.Range(0, size).Average(i => covariance[i, i]);
        for (var i = 0; i < size * size; i++)
            covariance[i / size, i % size] =
                (0.7 * covariance[i / size, i % size]) + (i / size == i % size ? 0.3 * Math.Max(variance, 1e-6) : 0);
        var (asked, at) = (Direction(random, size), random.Next(24));
        double[] apart = [.. asked.Select((v, i) => v - means[at][i])];
        var expected = Math.Sqrt(apart.Zip(Solve(covariance, apart), (a, b) => a * b).Sum() / size);
        return Math.Abs(habit.Distance(at, asked) - expected) <= 1e-3 * (1 + expected);
    }

    [Property(MaxTest = 100)]
    public bool Threshold_AnyDistances_AllowsSoManyAlarmsAndNoMore(int seed, byte rate)
    {
        var random = new Random(seed);
        var alarms = new AlarmRate();
        var known = new SortedDictionary<long, float>();
        var piece = 100L;
        for (var i = 0; i < 200; i++)
            alarms.Add(i - 1000, 2); // long before
        for (var i = 0; i < 1000; i++)
        {
            piece += random.Next(5) == 0 ? 3 : 1;
            known[piece] = random.Next(4) == 0 && known.TryGetValue(piece - 1, out var before) ? before + 0.01f : random.NextSingle();
            alarms.Add(piece, known[piece]);
        }

        var aDay = (1 + rate) / 10.0;
        var threshold = alarms.Threshold(aDay, 1000 * AlarmRate.Piece);
        int Alarms(float at) => known.Count(k => k.Value > at && !(known.TryGetValue(k.Key - 1, out var before) && before > at));
        var allowed = aDay * 1000 / 288;
        if (allowed < 1)
            return threshold > known.Values.Max();
        var next = known.Values.Where(v => v <= threshold).Max(); // one more, and it is too many
        return Alarms(threshold) <= allowed && Alarms(MathF.BitDecrement(next)) > allowed;
    }

    [Fact]
    public void Threshold_RarerThanAllThatIsKnown_IsAsFarAsAnExponentialGoes()
    {
        // Of 288 pieces with distances of 1 plus an exponential of 0.1, one in 2,880 is over 1 + 0.1 · ln 2,880 = 1.8.
        var found = Enumerable.Range(0, 40).Select(seed =>
        {
            var (random, alarms) = (new Random(seed), new AlarmRate());
            for (var i = 0; i < 288; i++)
                alarms.Add(i, 1 - (0.1f * MathF.Log(1 - random.NextSingle())));
            return alarms.Threshold(0.1, TimeSpan.FromDays(1));
        }).ToList();

        Assert.InRange(found.Average(), 1.7, 1.9);
        Assert.InRange(found.Max(), 1.7, 2.2);
    }

    [Fact]
    public void Add_ClockThatIsSetBack_ForgetsWhatIsLater()
    {
        var alarms = new AlarmRate();
        for (var i = 0; i < 100; i++)
            alarms.Add(1000 + i, 5);
        for (var i = 0; i < 50; i++)
            alarms.Add(10 + i, 1);

        Assert.Equal(50 * AlarmRate.Piece, alarms.Known);
        Assert.InRange(alarms.Threshold(1, TimeSpan.FromDays(1)), 1, 1.1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Push_DaysAsTheyAlwaysWere_AsManyAlarmsAsWanted(int seed)
    {
        var site = new Site(seed);
        var decoder = new UnusualDecoder(Dimensions, s_twoADay, phase: 600);
        var opened = new List<long>();
        for (long t = 0; t < 17 * 86_400; t += Step)
            decoder.Push(Samples(t), Samples(t + Step), s_start.AddSeconds(t), site.At(t), e =>
            {
                Assert.Equal(UnusualDecoder.Class, e.Label);
                if (e.State == EventState.Opened)
                    opened.Add(t);
            });

        var held = opened.Count(t => t >= 5 * 86_400);
        Assert.InRange(held, 12, 48); // 12 days at two a day, within a factor of two
        Assert.DoesNotContain(opened, t => t < 2 * 86_400);
        Assert.InRange(decoder.Heard, TimeSpan.FromDays(17) - TimeSpan.FromMinutes(10), TimeSpan.FromDays(17) + TimeSpan.FromMinutes(10));
    }

    [Fact]
    public void Push_MachineThatBeginsToSoundWrong_IsOneEventAtOnce()
    {
        var site = new Site(7);
        var decoder = new UnusualDecoder(Dimensions, s_twoADay);
        var events = new List<(long At, DetectedEvent Event)>();
        const long wrong = (6 * 86_400) + 5000;
        for (long t = 0; t < wrong + 3600; t += Step)
        {
            var sound = site.At(t);
            for (var i = 0; t >= wrong && i < Dimensions; i++)
                sound[i] = -sound[i];
            decoder.Push(Samples(t), Samples(t + Step), s_start.AddSeconds(t), sound, e => events.Add((t, e)));
        }

        List<(long At, DetectedEvent Event)> found = [.. events.Where(e => e.At >= wrong)];
        Assert.True(found.Count == 2, $"{decoder.Now.Score} {string.Join(' ', events)}");
        Assert.Equal([EventState.Opened, EventState.Closed], found.Select(e => e.Event.State)); // it is said once, as long as it lasts
        Assert.InRange(found[0].At, wrong, wrong + (2 * Step));
        Assert.InRange(found[0].Event.PeakScore, 0.5f, 1);
        Assert.InRange(found[1].Event.Offset - found[0].Event.Onset, Samples(590), Samples(610)); // ten minutes
        Assert.True(decoder.Now.Score > 0.5);
        decoder.Flush(e => Assert.Fail($"{e}: nothing is open"));
    }

    [Fact]
    public void Push_AfterAnotherHour_WhatIsUsualAtThatHourAlone()
    {
        // By day one sound, by night another: each is unusual at the other's time.
        var random = new Random(5);
        var decoder = new UnusualDecoder(Dimensions, s_twoADay);
        float[] Sound(bool isNight) =>
            [.. Direction(random, Dimensions).Select((v, i) => (v * 0.3f) + (i == 0 ? 1 : 0) + (i == (isNight ? 1 : 2) ? 0.5f : 0))];
        var scores = new List<float>();
        for (long t = 0; t < 8 * 86_400; t += 60)
        {
            var isNight = t / 3600 % 24 < 6;
            var isWrong = t is > 7 * 86_400 and < (7 * 86_400) + 600;
            decoder.Push(Samples(t), Samples(t + 60), s_start.AddSeconds(t), Sound(isNight ^ isWrong), _ => { });
            if (t is > (7 * 86_400) - 6000 and < (7 * 86_400) + 600)
                scores.Add(decoder.Now.Score);
        }

        Assert.True(scores[^1] > 0.5, $"{scores[^1]}");
        Assert.True(scores[..90].Max() < 0.5);
    }

    [Fact]
    public void Restore_WhatWasSaved_GoesOnAsIfNothingHadBeen()
    {
        var (one, other) = (new Site(9), new Site(9));
        var undisturbed = new UnusualDecoder(Dimensions, s_twoADay, phase: 77);
        var restarted = new UnusualDecoder(Dimensions, s_twoADay, phase: 77);
        var (first, second) = (new List<DetectedEvent>(), new List<DetectedEvent>());
        for (long t = 0; t < 6 * 86_400; t += 60)
        {
            undisturbed.Push(Samples(t), Samples(t + 60), s_start.AddSeconds(t), one.At(t), first.Add);
            restarted.Push(Samples(t), Samples(t + 60), s_start.AddSeconds(t), other.At(t), second.Add);
            if (t % 40_020 != 0)
                continue;
            Assert.True(restarted.IsChanged);
            undisturbed.Flush(first.Add); // a restart closes what is open
            restarted.Flush(second.Add);
            using var bytes = new MemoryStream();
            using (var output = new BinaryWriter(bytes, System.Text.Encoding.UTF8, leaveOpen: true))
                restarted.Save(output);
            Assert.False(restarted.IsChanged);
            bytes.Position = 0;
            restarted = new UnusualDecoder(Dimensions, s_twoADay, phase: 77);
            using var input = new BinaryReader(bytes);
            restarted.Restore(input);
            Assert.Equal(undisturbed.Heard, restarted.Heard);
        }

        Assert.NotEmpty(first);
        Assert.InRange(second.Count, first.Count - 4, first.Count + 4); // an alarm that a restart cuts may be two
    }

    [Theory]
    [InlineData(0, "found version 9; expected 1")]
    [InlineData(4, "found embeddings of 9 values; expected 24")]
    public void Restore_SomethingElse_SaysWhatItFound(int at, string message)
    {
        using var bytes = new MemoryStream();
        using (var output = new BinaryWriter(bytes, System.Text.Encoding.UTF8, leaveOpen: true))
            new UnusualDecoder(Dimensions, s_twoADay).Save(output);
        bytes.GetBuffer()[at] = 9;
        bytes.Position = 0;
        using var input = new BinaryReader(bytes);

        var e = Assert.Throws<InvalidDataException>(() => new UnusualDecoder(Dimensions, s_twoADay).Restore(input));

        Assert.Equal(message, e.Message);
    }

    [Fact]
    public void Push_WhatIsNoEmbedding_ChangesNothing()
    {
        var decoder = new UnusualDecoder(Dimensions, s_twoADay);
        foreach (var wrong in (float[][])[[], new float[Dimensions], [1], [.. Enumerable.Repeat(float.NaN, Dimensions)],
            [.. Enumerable.Repeat(float.PositiveInfinity, Dimensions)]])
            decoder.Push(0, 1, s_start, wrong, _ => Assert.Fail("an event"));

        Assert.False(decoder.IsChanged);
        Assert.Equal(TimeSpan.Zero, decoder.Heard);
    }

    private static long Samples(long seconds) => seconds * ModelTime.SampleRate;

    private static float[] Direction(Random random, int size)
    {
        float[] values = [.. Enumerable.Range(0, size).Select(_ => (float)Normal(random))];
        var length = MathF.Sqrt(values.Sum(v => v * v));
        return [.. values.Select(v => v / length)];
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    /// <summary>The solution of a system of equations, by elimination.</summary>
    private static double[] Solve(double[,] matrix, double[] right)
    {
        var n = right.Length;
        var (m, x) = ((double[,])matrix.Clone(), (double[])right.Clone());
        for (var k = 0; k < n; k++)
        {
            for (var i = 0; i < n; i++)
            {
                if (i == k)
                    continue;
                var times = m[i, k] / m[k, k];
                for (var j = k; j < n; j++)
                    m[i, j] -= times * m[k, j];
                x[i] -= times * x[k];
            }
        }

        return [.. x.Select((v, i) => v / m[i, i])];
    }

    /// <summary>A site: scenes of some minutes, each of one of some kinds, others by night than by day; some are odd.</summary>
    private sealed class Site(int seed)
    {
        private readonly Random _random = new(seed);
        private readonly float[][] _kinds = [.. Enumerable.Range(0, 8).Select(i => Direction(new Random((seed * 100) + i), Dimensions))];
        private float[] _scene = [];
        private long _until = -1;

        public float[] At(long t)
        {
            if (t >= _until)
            {
                var kind = _kinds[(_random.Next(4) + (t / 3600 % 24 < 7 ? 0 : 4)) % 8];
                var spread = _random.Next(40) == 0 ? 0.25 * (1 + (2 * _random.NextDouble())) : 0.12; // some are odd
                _scene = [.. kind.Select((v, i) => (3 * v) + (i == 0 ? 2 : 0) + (float)(3 * spread * Normal(_random)))];
                _until = t + 120 + _random.Next(900);
            }

            return [.. _scene.Select(v => v + (float)(0.25 * Normal(_random)))];
        }
    }
}
