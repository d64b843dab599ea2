using AstStream.Dsp;
using AstStream.Learning;
using AstStream.Learning.Evaluation;
using AstStream.Learning.Training;
using AstStream.Model.Checkpoints;
using AstStream.Model.Training;
using AstStream.Streaming.Sources;

namespace AstStream.Tests.Learning.Training;

/// <summary>The small reference checkpoint learns to tell a high tone from a low one.</summary>
public sealed class FineTuningTests : IDisposable
{
    private const int Rate = FbankOptions.SampleRate;

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;
    private readonly AstCheckpoint _checkpoint = AstCheckpoint.Open(Path.Combine(Reference.Folder, "ast-small-16x16-t256"));
    private readonly List<string> _warnings = [];

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

    private async Task<FineTuned> TrainAsync(
        FineTuneOptions options, CancellationToken stop = default, Action<double>? progress = null, string of = "4")
    {
        using var bank = SoundBank.Create(Path.Combine(_folder, "sound.f32"));
        var clips = await bank.AddAsync(
            [.. Enumerable.Range(0, 30).Select(i => new LabelledClip($"{i}", [i % 2 == 0 ? "low" : "high"], $"{i}", ""))], 10,
            (path, _) => Task.FromResult<IAudioReader>(new ArrayReader(Tone(int.Parse(path, null)), Rate)),
            (clip, why) => Assert.Fail(why), () => { }, CancellationToken.None);
        LearntClip[] all = [.. clips.Select((c, i) => new LearntClip(c, [i % 2]))];
        var head = new float[2 * _checkpoint.Config.HiddenSize];
        using var training = new FineTuning(
            options,
            new FineTuneData
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
                Train = all[..14],
                Chosen = all[14..22],
                HeldOut = all[22..],
                Thresholds = [0.5, 0.5],
                Of = new Dictionary<string, string> { ["--epochs"] = of },
            },
            _folder, _warnings.Add);
        return await training.TrainAsync(_ => { }, progress ?? (_ => { }), stop);
    }

    private static float[] Tone(int i)
    {
        var random = new Random(i);
        var pitch = (i % 2 == 0 ? 300 : 2000) * (1 + (random.NextDouble() / 4));
        return [.. Enumerable.Range(0, 2 * Rate).Select(
            n => (float)((0.1 * Math.Sin(2 * Math.PI * pitch * n / Rate)) + (0.01 * random.NextDouble())))];
    }
}
