using AstStream.Dsp;
using AstStream.Learning;
using AstStream.Learning.Evaluation;
using AstStream.Learning.Training;
using AstStream.Model.Checkpoints;
using AstStream.Model.Import;
using AstStream.Model.Runtime;
using AstStream.Model.Training;
using AstStream.Streaming.Sources;

namespace AstStream.Tests.Learning.Training;

/// <summary>The small reference checkpoint learns to tell a high tone from a low one.</summary>
public sealed class FineTuningTests : IDisposable
{
    private const int Rate = FbankOptions.SampleRate;

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;
    private readonly string _cache = Directory.CreateTempSubdirectory("aststream-test-").FullName;
    private readonly AstCheckpoint _checkpoint = AstCheckpoint.Open(Path.Combine(Reference.Folder, "ast-small-16x16-t256"));
    private readonly List<string> _warnings = [];
    private int _clips = 30;
    private double _seconds = 2; // of a tone; a clip has two

    private static FineTuneOptions Options => new()
    {
        Epochs = 4,
        Batch = 6,
        Rate = 2e-3,
        Patience = 0,
        Session = new TrainingSessionOptions { Batch = 3, HeadRate = 2, Threads = 2 },
    };

    public void Dispose()
    {
        _checkpoint.Dispose();
        Directory.Delete(_folder, recursive: true);
        Directory.Delete(_cache, recursive: true);
    }

    [Fact]
    public async Task Train_TwoTones_TellsThemApart()
    {
        var tuned = await TrainAsync(Options with { Epochs = 8 });

        Assert.Equal(9, tuned.Epochs.Count);
        Assert.True(tuned.Best > 0);
        Assert.True(tuned.Epochs[^1].Loss < tuned.Epochs[1].Loss);
        Assert.True(tuned.Epochs[tuned.Best].OtherLoss < tuned.Epochs[0].OtherLoss);
        Assert.Equal(1, tuned.HeldOut!.MeanAveragePrecision);
        Assert.Equal(FineTuneEnd.Done, tuned.End);
        Assert.Empty(_warnings);
    }

    /// <summary>As after kill -9 at any step: the state of then, in another process' session.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(7)]
    public async Task Train_CutOffAtAStep_GoesOnBitForBit(int steps)
    {
        var undisturbed = await TrainAsync(Options);
        Directory.Delete(_folder, recursive: true);
        Directory.CreateDirectory(_folder);
        using var stop = new CancellationTokenSource();
        var taken = 0;
        var first = await TrainAsync(Options, stop.Token, _ =>
        {
            if (++taken == steps)
                stop.Cancel();
        });

        Assert.Equal(FineTuneEnd.Asked, first.End);
        Assert.True(FineTuning.HasState(_folder));

        var second = await TrainAsync(Options);

        Assert.Equal(undisturbed.Best, second.Best);
        Assert.Equal(undisturbed.Epochs.Select(e => e with { Seconds = 0 }), second.Epochs.Select(e => e with { Seconds = 0 }));
        foreach (var (name, values) in undisturbed.Weights)
            Assert.Equal(values, second.Weights[name]);
    }

    [Fact]
    public async Task Train_StateOfOtherFlags_IsRefused()
    {
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        await TrainAsync(Options, stop.Token);

        var e = await Assert.ThrowsAsync<InvalidTrainingException>(() => TrainAsync(Options, of: "8"));

        Assert.Contains("--epochs was 4, and is 8", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_StateThatIsCutOff_IsRefused()
    {
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        await TrainAsync(Options, stop.Token);
        var file = Path.Combine(_folder, "state.bin");
        using (var state = new FileStream(file, FileMode.Open))
            state.SetLength(state.Length - 100);

        var e = await Assert.ThrowsAsync<InvalidTrainingException>(() => TrainAsync(Options));

        Assert.StartsWith($"{file}: is damaged", e.Message, StringComparison.Ordinal);
    }

    /// <summary>Weights beyond all measure: no step is taken any more, the rate is halved twice, and the best epoch counts.</summary>
    [Fact]
    public async Task Train_ARateThatBreaksIt_EndsWithTheBestEpoch()
    {
        var tuned = await TrainAsync(Options with { Rate = 1e30, WarmUp = 0, Average = 0 });

        Assert.Equal(FineTuneEnd.NotFinite, tuned.End);
        Assert.Equal(3, _warnings.Count);
        Assert.Contains("is no finite number", _warnings[0], StringComparison.Ordinal);
        Assert.Contains("the rate is halved", _warnings[1], StringComparison.Ordinal);
        Assert.Contains("though the rate was halved twice", _warnings[2], StringComparison.Ordinal);
        Assert.All(tuned.Weights.Values, v => Assert.All(v, x => Assert.True(float.IsFinite(x))));
    }

    [Fact]
    public async Task Train_NothingGetsBetter_EndsEarly()
    {
        var tuned = await TrainAsync(Options with { Rate = 1e-12, Epochs = 50, Patience = 2 });

        Assert.Equal(FineTuneEnd.NoBetter, tuned.End);
        Assert.Equal(tuned.Best + 2, tuned.Epochs[^1].Epoch);
    }

    /// <summary>A localiser learns in which half of a clip the tone is, beside what it is.</summary>
    [Fact]
    public async Task Train_TimesOfTones_SaysWhenTheySound()
    {
        var options = Options with
        {
            Epochs = 6,
            Augment = AugmentOptions.None with { Shift = 0.1 },
            Session = Options.Session with { TrainsColumns = true, LocaliserRate = 1 },
        };
        var config = _checkpoint.Config with { Labels = ["low", "high"] };
        (_clips, _seconds) = (136, 1);
        var localiser = CheckpointLocaliser.Config(_checkpoint, config.Labels, [], ["low", "high"])!;
        var tensors = CheckpointLocaliser.Tensors(_checkpoint, config.Labels, localiser, []);

        var tuned = await TrainAsync(options, data: d => d with
        {
            Config = config with { Localiser = localiser },
            Weights = name => tensors.GetValueOrDefault(name) ?? d.Weights(name),
        });

        Assert.True(tuned.Places > 0.85, $"F1 {tuned.Places}");
        Assert.True(tuned.Places > tuned.Epochs[0].Places + 0.2, $"F1 {tuned.Epochs[0].Places}, then {tuned.Places}");
        Assert.True(double.IsNaN(tuned.Epochs[^1].Kept));
    }

    /// <summary>What the base says of its own labels stays, where it is asked; else the layers forget it.</summary>
    [Fact]
    public async Task Train_LabelsOfTheBaseBesides_AreKeptByWhatItSays()
    {
        using var teacher = new Teacher(_checkpoint, new AstSessionOptions { CacheFolder = _cache });
        Task<FineTuned> Train(Teacher? asked) =>
            TrainAsync(Options with { Epochs = 8 }, data: d => WithOwnLabels(d) with { Teacher = asked });

        var kept = await Train(teacher);
        Directory.Delete(_folder, recursive: true);
        Directory.CreateDirectory(_folder);
        var forgot = await Train(null);

        var (with, without) = (Drift(kept), Drift(forgot));
        Assert.True(with < 0.75 * without, $"{with} with, {without} without");
        Assert.Equal(1, kept.HeldOut!.MeanAveragePrecision);
        Assert.Equal(2, kept.Thresholds.Count);
        Assert.All(forgot.Epochs, e => Assert.True(double.IsNaN(e.Kept)));
    }

    /// <summary>The base is asked by what is filled ahead, and by what is measured.</summary>
    [Fact]
    public async Task Train_LabelsOfTheBaseBesidesAndCutOff_GoesOnBitForBit()
    {
        using var teacher = new Teacher(_checkpoint, new AstSessionOptions { CacheFolder = _cache });
        var options = Options with { Batch = 5 }; // steps of 5, 5 and 4, and 3, 3 and 2 besides, in runs of 3
        Task<FineTuned> Train(CancellationToken stop = default, Action<double>? progress = null) =>
            TrainAsync(options, stop, progress, data: d => WithOwnLabels(d) with { Teacher = teacher });
        var undisturbed = await Train();
        Directory.Delete(_folder, recursive: true);
        Directory.CreateDirectory(_folder);
        using var stop = new CancellationTokenSource();
        var taken = 0;
        await Train(stop.Token, _ =>
        {
            if (++taken == 5)
                stop.Cancel();
        });

        var resumed = await Train();

        Assert.Equal(undisturbed.Epochs.Select(e => e with { Seconds = 0 }), resumed.Epochs.Select(e => e with { Seconds = 0 }));
        Assert.All(undisturbed.Epochs, e => Assert.False(double.IsNaN(e.Kept)));
        foreach (var (name, values) in undisturbed.Weights)
            Assert.Equal(values, resumed.Weights[name]);
    }

    /// <summary>Its labels before the ones that are learnt.</summary>
    private FineTuneData WithOwnLabels(FineTuneData data)
    {
        var labels = _checkpoint.Config.Labels;
        return data with
        {
            Config = _checkpoint.Config with { Labels = [.. labels, "low", "high"] },
            Kept = labels.Count,
            Replay = [.. data.Train.Select(t => t.Clip)],
            Weights = name => name is "classifier.dense.weight" or "classifier.dense.bias"
                ? [.. _checkpoint.Read(name), .. data.Weights(name)] : data.Weights(name),
        };
    }

    /// <summary>How far the base's scores of noise are from what they were.</summary>
    private double Drift(FineTuned tuned)
    {
        var labels = _checkpoint.Config.Labels;
        var config = _checkpoint.Config with { Labels = [.. labels, "low", "high"] };
        Func<string, float[]> Of(FineTuned? of) => name => of?.Weights.GetValueOrDefault(name)
            ?? (name.StartsWith("classifier.dense", StringComparison.Ordinal)
                ? [.. _checkpoint.Read(name), .. new float[name.EndsWith("weight", StringComparison.Ordinal) ? 2 * config.HiddenSize : 2]]
                : _checkpoint.Read(name));
        float[] Logits(FineTuned? of)
        {
            using var session = new TrainingSession(config, Of(of), new TrainingSessionOptions { Batch = 1 });
            var random = new Random(5);
            return session.Evaluate(
                [.. Enumerable.Range(0, config.MaxLength * config.NumMelBins).Select(_ => (float)random.NextDouble() - 0.5f)]).Logits;
        }

        return Logits(tuned).Zip(Logits(null)).Take(labels.Count).Average(p => Math.Abs(p.First - p.Second));
    }

    private async Task<FineTuned> TrainAsync(
        FineTuneOptions options, CancellationToken stop = default, Action<double>? progress = null, string of = "4",
        Func<FineTuneData, FineTuneData>? data = null)
    {
        using var bank = SoundBank.Create(Path.Combine(_folder, "sound.f32"));
        var clips = await bank.AddAsync(
            [.. Enumerable.Range(0, _clips).Select(Labelled)], 10,
            (path, _) => Task.FromResult<IAudioReader>(new ArrayReader(Tone(int.Parse(path, null)), Rate)),
            (clip, why) => Assert.Fail(why), () => { }, CancellationToken.None);
        LearntClip[] all = [.. clips.Select((c, i) => new LearntClip(c, [i % 2]))];
        var head = new float[2 * _checkpoint.Config.HiddenSize];
        var given = new FineTuneData
        {
            Bank = bank,
            Config = _checkpoint.Config with { Labels = ["low", "high"] },
            Extractor = _checkpoint.Extractor,
            Weights = name => name switch
            {
                "classifier.dense.weight" => head,
                "classifier.dense.bias" => [0, 0],
                _ => _checkpoint.Read(name),
            },
            Train = all[..^16],
            Chosen = all[^16..^8],
            HeldOut = all[^8..],
            Thresholds = [0.5, 0.5],
            Of = new Dictionary<string, string> { ["--epochs"] = of },
        };
        using var training = new FineTuning(options, data?.Invoke(given) ?? given, _folder, _warnings.Add);
        return await training.TrainAsync(_ => { }, progress ?? (_ => { }), stop);
    }

    private LabelledClip Labelled(int i)
    {
        var label = i % 2 == 0 ? "low" : "high";
        return new LabelledClip($"{i}", [label], $"{i}", "")
        {
            Times = _seconds < 2 ? [new TimedLabel($"{i}", label, OnsetOf(i), OnsetOf(i) + _seconds)] : null,
        };
    }

    private double OnsetOf(int i) => (2 - _seconds) * (i % 10) / 10;

    private float[] Tone(int i)
    {
        var random = new Random(i);
        var pitch = (i % 2 == 0 ? 300 : 2000) * (1 + (random.NextDouble() / 4));
        var (first, last) = (OnsetOf(i) * Rate, (OnsetOf(i) + _seconds) * Rate);
        return [.. Enumerable.Range(0, 2 * Rate).Select(n => (float)(
            (n >= first && n < last ? 0.1 * Math.Sin(2 * Math.PI * pitch * n / Rate) : 0) + (0.01 * random.NextDouble())))];
    }
}
