using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using AstStream.Connectors.Files;
using AstStream.Dsp;
using AstStream.Learning;
using AstStream.Learning.Evaluation;
using AstStream.Learning.Training;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;
using AstStream.Model.Training;

namespace AstStream.Worker.Commands;

/// <summary>The flags that say how steps are taken, with train --depth blocks=N or all, or --truth.</summary>
internal sealed class TrainFlags
{
    private const double MostNoise = 60; // seconds of a file
    private const int MostFiles = 500; // of noise or rooms
    private const int MostReplayed = 5000; // recordings

    private static readonly FineTuneOptions s_usual = new() { Session = new TrainingSessionOptions { Batch = 1 } };

    private const string Head = "head";
    private const string Bce = "bce";

    private readonly Option<string> _depth = new("--depth")
    {
        Description = "What is trained: head (seconds), blocks=N (the last N layers and the head), or all.",
        HelpName = "head|blocks=N|all",
        DefaultValueFactory = _ => Head,
    };

    private readonly Option<int> _epochs = Whole("--epochs", "Times that each clip is learnt from.", s_usual.Epochs, 1, 10_000);
    private readonly Option<int> _batch = Whole("--batch", "Clips of a step.", s_usual.Batch, 1, 4096);
    private readonly Option<int> _micro = Whole(
        "--micro-batch", "Clips that are run at once, whose gradients are added up: less memory; 0 for all of a step's.", 0, 0,
        AstSessionOptions.MaxBatchSize);
    private readonly Option<double> _rate = Number("--rate", "The body's rate at its highest.", s_usual.Rate, 1e-9, 1);
    private readonly Option<double> _headRate = Number(
        "--head-rate", "How many times the body's rate the head's is.", s_usual.Session.HeadRate, 1e-3, 1000);
    private readonly Option<double> _layerDecay = Number(
        "--layer-decay", "What a layer's rate is multiplied by for each layer from it to the head.", s_usual.Session.LayerDecay, 0.01,
        1);
    private readonly Option<double> _weightDecay = Number("--weight-decay", "AdamW's decay.", s_usual.Session.WeightDecay, 0, 1);
    private readonly Option<double> _warmUp = Number("--warm-up", "The part of the time in which the rate rises.", s_usual.WarmUp, 0, 1);
    private readonly Option<string> _schedule = Word<RateSchedule>("--schedule", "How the rate falls: cosine, step or constant.");
    private readonly Option<double> _maxNorm = Number("--max-norm", "The largest norm of a step's gradients.", s_usual.MaxNorm, 1e-6, 1e6);
    private readonly Option<double> _average = Number(
        "--average", "What a step keeps of the moving average of the weights; 0 for no average.", s_usual.Average, 0, 0.99999);
    private readonly Option<int> _patience = Whole(
        "--patience", "Epochs without an improvement after which it ends; 0 for never.", s_usual.Patience, 0, 10_000);
    private readonly Option<string> _loss = new("--loss")
    {
        Description = "bce: labels may sound together; cross-entropy: each clip has one label.",
        DefaultValueFactory = _ => Bce,
    };
    private readonly Option<double> _smoothing = Number(
        "--label-smoothing", "What targets are drawn towards not knowing.", s_usual.LabelSmoothing, 0, 0.9);
    private readonly Option<double> _mixup = Number(
        "--mixup", "The probability that a clip is mixed with another.", s_usual.Augment.Mixup, 0, 1);
    private readonly Option<double> _gain = Number("--gain", "How much louder or quieter, in dB.", s_usual.Augment.Gain, 0, 60);
    private readonly Option<double> _shift = Number(
        "--shift", "How far in time, as a part of the window; clips with times, to any place, unless it is 0.",
        s_usual.Augment.Shift, 0, 1);
    private readonly Option<double> _timeMask = Number(
        "--time-mask", "The longest run of frames that is hidden, as a part of the window.", s_usual.Augment.TimeMask, 0, 0.9);
    private readonly Option<double> _frequencyMask = Number(
        "--frequency-mask", "The widest band that is hidden, as a part of all.", s_usual.Augment.FrequencyMask, 0, 0.9);
    private readonly Option<string?> _noise = Folder("--noise", "Background recordings to lay under clips.");
    private readonly Option<string?> _rooms = Folder("--rooms", "Impulse responses to play clips in.");
    private readonly Option<string?> _replay = Folder(
        "--replay", "With --keep-labels: sound without labels, a station's clips say, of which the model is to say what the base does.");
    private readonly Option<double> _keepWeight = Number(
        "--keep-weight", "With --keep-labels: what a label of the base counts beside one that is learnt; less learns and forgets more.",
        s_usual.KeepWeight, 0, 100);
    private readonly Option<bool> _checkpointing = new("--checkpointing")
    {
        Description = "Compute layers again for their gradients: slower, in less memory.",
    };
    private readonly Option<string> _precision = new("--precision")
    {
        Description = "float32, or bfloat16 for products on a GPU.",
        DefaultValueFactory = _ => "float32",
    };
    private readonly Option<double> _chosen = Number(
        "--validation", "The share of the recordings that the best epoch and the thresholds are chosen by.", 0.2, 0.02, 0.5);
    private readonly Option<int> _seed = Whole("--seed", "What all randomness follows from.", 0, 0, int.MaxValue);
    private readonly Option<bool> _resume = new("--resume") { Description = "Go on where a training to the same folder was cut off." };

    public TrainFlags()
    {
        ExecutionFlags.OneOf(_loss, Bce, "cross-entropy");
        ExecutionFlags.OneOf(_precision, "float32", "bfloat16");
        _depth.CompletionSources.Add("head", "blocks=2", "all");
        _depth.Validators.Add(r =>
        {
            if (r.Tokens.Any(t => t.Value is not (Head or "all") && BlocksOf(t.Value) is null))
                r.AddError($"--depth: found '{r.Tokens[0].Value}'; expected head, blocks=N with N from 1 on, or all");
        });
    }

    /// <summary>All of them, but for --resume, which changes nothing.</summary>
    private Option[] All =>
    [
        _depth, _epochs, _batch, _micro, _rate, _headRate, _layerDecay, _weightDecay, _warmUp, _schedule, _maxNorm, _average, _patience,
        _loss, _smoothing, _mixup, _gain, _shift, _timeMask, _frequencyMask, _noise, _rooms, _replay, _keepWeight, _checkpointing,
        _precision, _chosen, _seed,
    ];

    /// <summary>Those that say nothing of a localiser beside a head.</summary>
    private Option[] OfLayers => [_loss, _smoothing, _headRate, _layerDecay, _checkpointing];

    /// <summary>Adds them to the command.</summary>
    /// <param name="command">train.</param>
    /// <param name="truth">What is given where a localiser is trained.</param>
    /// <param name="keeps">Whether the base's labels are kept.</param>
    public void AddTo(Command command, Option truth, Func<SymbolResult, bool> keeps)
    {
        foreach (var option in All)
            command.Add(option);
        command.Add(_resume);
        command.Validators.Add(r =>
        {
            foreach (var option in ((Option[])[_replay, _keepWeight]).Where(
                o => !keeps(r) && r.GetResult(o) is { Implicit: false }))
                r.AddError($"{option.Name}: is for --keep-labels: it is what the base's labels are kept by");
            if (keeps(r) && r.GetResult(_loss) is { Implicit: false, Tokens: [var loss] } && loss.Value != Bce)
                r.AddError("--keep-labels: is for --loss bce: the base's labels may sound beside those that are learnt. "
                    + "--keep-labels false leaves them out");
            if (IsDeep(r))
                return;
            var hasSteps = r.GetResult(truth) is not null; // of a localiser
            foreach (var option in (hasSteps ? OfLayers : All.Append(_resume)).Where(
                o => o != _depth && r.GetResult(o) is { Implicit: false }))
                r.AddError($"{option.Name}: is for --depth blocks=N or all"
                    + $"{(OfLayers.Contains(option) ? "" : ", or --truth")}; a head is fitted without it");
        });
    }

    /// <summary>Recordings to be said what the base says of; none where none are given.</summary>
    /// <exception cref="InvalidTrainingException">There is no sound in the folder.</exception>
    public IReadOnlyList<string> Replay(ParseResult result)
    {
        if (result.GetValue(_replay) is not { } folder)
            return [];
        if (!Directory.Exists(folder))
            throw new InvalidTrainingException($"--replay {folder}: is no folder; expected one with recordings");
        List<string> files = [.. ClipDataset.SoundBelow(folder).Take(MostReplayed)];
        return files.Count > 0 ? files : throw new InvalidTrainingException($"--replay {folder}: holds no recording");
    }

    /// <summary>Whether more than a head is trained.</summary>
    public bool IsDeep(CommandResult result) => result.GetResult(_depth)?.Tokens is [var depth] && depth.Value != Head;

    public bool Resumes(ParseResult result) => result.GetValue(_resume);

    public double Chosen(ParseResult result) => result.GetValue(_chosen);

    /// <summary>What was asked for, by flag: a state of other flags does not fit.</summary>
    public IEnumerable<(string Flag, string Value)> Words(ParseResult result) => All.Select(o => (
        o.Name, string.Join(' ', result.GetResult(o)?.Tokens.Select(t => t.Value) ?? []) is { Length: > 0 } word ? word : "as usual"));

    /// <summary>What is trained, in words.</summary>
    public string Depth(ParseResult result) => BlocksOf(result.GetValue(_depth)!) is { } blocks
        ? $"the last {blocks} layers, and a new head," : "all weights, with a new head,";

    /// <summary>How.</summary>
    /// <exception cref="InvalidTrainingException">The model has fewer layers, or what is to be laid under clips can't be read.</exception>
    public async Task<FineTuneOptions> ReadAsync(
        ParseResult result, AstConfig config, AstSessionOptions execution, bool isBalanced, ThresholdRule thresholds,
        CancellationToken stop)
    {
        var blocks = BlocksOf(result.GetValue(_depth)!);
        if (blocks > config.NumHiddenLayers)
            throw new InvalidTrainingException($"--depth blocks={blocks}: the base has {config.NumHiddenLayers} layers");
        var (batch, micro) = (result.GetValue(_batch), result.GetValue(_micro));
        micro = Math.Min(AstSessionOptions.MaxBatchSize, micro == 0 ? batch : Math.Min(micro, batch));
        var provider = execution.Providers[0];
        var precision = EnumWords.Parse<ModelPrecision>(result.GetValue(_precision)!);
        if (provider == ExecutionProvider.TensorRt || (precision != ModelPrecision.Float32 && provider != ExecutionProvider.Cuda))
            throw new InvalidTrainingException(
                provider == ExecutionProvider.TensorRt ? "--providers tensorrt: does not train; expected cpu or cuda"
                    : "--precision bfloat16: is for --providers cuda; a CPU trains in float32");
        return new FineTuneOptions
        {
            Epochs = result.GetValue(_epochs),
            Batch = batch,
            Rate = result.GetValue(_rate),
            WarmUp = result.GetValue(_warmUp),
            Schedule = EnumWords.Parse<RateSchedule>(result.GetValue(_schedule)!),
            MaxNorm = result.GetValue(_maxNorm),
            Average = result.GetValue(_average),
            LabelSmoothing = result.GetValue(_smoothing),
            Patience = result.GetValue(_patience),
            IsBalanced = isBalanced,
            KeepWeight = result.GetValue(_keepWeight),
            Seed = (ulong)result.GetValue(_seed),
            Thresholds = thresholds,
            Augment = new AugmentOptions
            {
                Gain = result.GetValue(_gain),
                Shift = result.GetValue(_shift),
                Mixup = result.GetValue(_mixup),
                TimeMask = result.GetValue(_timeMask),
                FrequencyMask = result.GetValue(_frequencyMask),
                Noise = await ReadAllAsync(result.GetValue(_noise), "--noise", samples => samples, stop).ConfigureAwait(false),
                Rooms = await ReadAllAsync(result.GetValue(_rooms), "--rooms", samples => new ImpulseResponse(samples), stop)
                    .ConfigureAwait(false),
            },
            Session = new TrainingSessionOptions
            {
                Batch = micro,
                FirstTrained = blocks is { } n ? config.NumHiddenLayers - n : -1,
                TrainsColumnsAlone = !IsDeep(result.CommandResult),
                Loss = result.GetValue(_loss) == Bce ? TrainingLoss.BinaryCrossEntropy : TrainingLoss.CrossEntropy,
                Checkpoints = result.GetValue(_checkpointing),
                LayerDecay = result.GetValue(_layerDecay),
                HeadRate = result.GetValue(_headRate),
                WeightDecay = result.GetValue(_weightDecay),
                Provider = provider,
                DeviceId = execution.DeviceId,
                Precision = precision,
                Tf32 = execution.Tf32,
                Threads = execution.Threads,
            },
        };
    }

    private static int? BlocksOf(string depth) =>
        depth.StartsWith("blocks=", StringComparison.Ordinal)
            && int.TryParse(depth["blocks=".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var blocks) && blocks > 0
            ? blocks : null;

    private static async Task<List<T>> ReadAllAsync<T>(string? folder, string flag, Func<float[], T> make, CancellationToken stop)
    {
        var all = new List<T>();
        if (folder is null)
            return all;
        List<string> files = Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder).Where(ClipDataset.IsSound).Order(StringComparer.Ordinal).Take(MostFiles)] : [];
        foreach (var file in files)
        {
            try
            {
                await using var sound = await AudioFile.OpenAsync(file, stop: stop).ConfigureAwait(false);
                var samples = ClipSamples.Read(sound, MostNoise);
                if (samples.Length == 0 || samples.Any(s => !float.IsFinite(s)))
                    throw new InvalidAudioException("holds no sound, or samples that are no finite numbers");
                all.Add(make(samples));
            }
            catch (InvalidAudioException e)
            {
                throw new InvalidTrainingException($"{flag}: {file}: {e.Message}");
            }
        }

        return all.Count > 0 ? all : throw new InvalidTrainingException($"{flag} {folder}: holds no recording");
    }

    private static Option<string?> Folder(string name, string description) => new(name) { Description = description, HelpName = "DIR" };

    private static Option<int> Whole(string name, string description, int usual, int least, int most)
    {
        var option = new Option<int>(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => usual };
        ExecutionFlags.Validate(option, least, most);
        return option;
    }

    private static Option<double> Number(string name, string description, double usual, double least, double most)
    {
        var option = new Option<double>(name) { Description = description, HelpName = "X", DefaultValueFactory = _ => usual };
        option.Validators.Add(r =>
        {
            if (r.Tokens.Any(t => !double.TryParse(t.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var x)
                || !(x >= least && x <= most)))
                r.AddError(string.Create(
                    CultureInfo.InvariantCulture, $"{name}: found '{r.Tokens[0].Value}'; expected a number from {least} to {most}"));
        });
        return option;
    }

    private static Option<string> Word<T>(string name, string description)
        where T : struct, Enum
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => EnumWords.All<T>().First() };
        ExecutionFlags.OneOf(option, [.. EnumWords.All<T>()]);
        return option;
    }
}
