using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AstStream.Connectors.Files;
using AstStream.Dsp;
using AstStream.Learning.Evaluation;
using AstStream.Learning.Training;
using AstStream.Model.Checkpoints;
using AstStream.Model.Import;
using AstStream.Model.Runtime;
using AstStream.Model.Training;

namespace AstStream.Worker.Commands;

/// <summary>train --depth blocks=N and all: a head is fitted first, then the transformer is trained from there on.</summary>
internal sealed class TrainTransformer(
    TrainFlags flags, ParseResult result, AstCheckpoint checkpoint, AstSessionOptions execution, HeadOptions head, ModelCard card,
    string rule)
{
    /// <summary>Trains, and writes the model.</summary>
    /// <param name="train">The clips.</param>
    /// <param name="heldOut">Clips to measure on; null keeps some recordings out.</param>
    /// <param name="to">The folder to write.</param>
    /// <param name="stop">Ends the training; before it began, everything.</param>
    public async Task<int> RunAsync(
        IReadOnlyList<LabelledClip> train, IReadOnlyList<LabelledClip>? heldOut, string to, CancellationToken stop)
    {
        var state = $"{Path.TrimEndingDirectorySeparator(Path.GetFullPath(to))}.training";
        if (FineTuning.HasState(state) && !flags.Resumes(result))
            throw new InvalidTrainingException(
                $"{state}: holds a training that was cut off; --resume goes on from there. Remove it to begin anew");
        if (!FineTuning.HasState(state) && flags.Resumes(result))
            Errors.Note($"{state} holds no training to go on from; it begins anew");
        var options = await flags.ReadAsync(
            result, checkpoint.Config, execution, head.IsBalanced, head.Thresholds, stop).ConfigureAwait(false);
        Directory.CreateDirectory(state);
        using var bank = SoundBank.Create(Path.Combine(state, FineTuning.SoundFile)); // it can't be had while another training has it
        try
        {
            return await RunAsync(bank, options, train, heldOut, to, state, stop).ConfigureAwait(false);
        }
        finally
        {
            // Nothing is left of what was refused or is done; what was cut off can go on.
            if (!FineTuning.HasState(state) || Directory.Exists(to))
                FineTuning.RemoveState(state);
        }
    }

    private async Task<int> RunAsync(
        SoundBank bank, FineTuneOptions options, IReadOnlyList<LabelledClip> train, IReadOnlyList<LabelledClip>? heldOut, string to,
        string state, CancellationToken stop)
    {
        var (clips, measured, failed) = await DecodeAsync(bank, train, heldOut, stop).ConfigureAwait(false);
        var split = TrainingSplit.Make(clips, measured, head, flags.Chosen(result));
        var batch = Math.Min(options.Batch, split.Train.Count); // a larger one would compute what nobody asked for
        options = options with { Batch = batch, Session = options.Session with { Batch = Math.Min(options.Session.Batch, batch) } };
        if (options.Session.Loss == TrainingLoss.CrossEntropy && split.All.FirstOrDefault(c => c.Targets.Count != 1) is { } odd)
            throw new InvalidTrainingException(
                $"--loss cross-entropy: {odd.Clip.Clip.Path} has {odd.Targets.Count} labels; expected one of each clip, or --loss bce");

        var (learnt, _, notEmbedded) = await TrainCommand.EmbedAsync(
            checkpoint, execution, [.. split.Train.Select(c => c.Clip.Clip)], null, stop).ConfigureAwait(false);
        if (notEmbedded > 0)
            throw new InvalidTrainingException($"{notEmbedded} clips have no embedding; take them out, or --providers cpu");
        var first = await TrainCommand.FitAsync(head with { HeldOut = 0 }, checkpoint, learnt, null, stop).ConfigureAwait(false);
        var tensors = CheckpointHead.Tensors(checkpoint, new ClassifierHead(split.Labels, first.Head.Weights, first.Head.Bias));
        var config = CheckpointTraining.Config(
            checkpoint, split.Labels, options.Session.Loss == TrainingLoss.BinaryCrossEntropy, keepsLocaliser: false);
        var data = new FineTuneData
        {
            Bank = bank,
            Config = config,
            Extractor = checkpoint.Extractor,
            Weights = name => tensors.GetValueOrDefault(name) ?? checkpoint.Read(name),
            Train = split.Train,
            Chosen = split.Chosen,
            HeldOut = split.HeldOut,
            Thresholds = first.Thresholds,
            Of = Of(split),
        };
        var tuned = await LearnAsync(options, data, state, stop).ConfigureAwait(false);
        foreach (var (name, values) in tuned.Weights)
            tensors[name] = values;
        CheckpointTraining.Write(checkpoint, config, tensors, to, new Dictionary<string, byte[]>
        {
            ["README.md"] = Encoding.UTF8.GetBytes(card.Of(tuned, split.Labels, flags.Depth(result), split.Counts)),
            ["thresholds.json"] = TrainCommand.Thresholds(rule, split.Labels, [.. tuned.Thresholds.Select(t => (double?)t)]),
            ["training.html"] = Encoding.UTF8.GetBytes(TrainingPage.Of(card.Name, tuned)),
            ["training.csv"] = Encoding.UTF8.GetBytes(TrainingPage.Csv(tuned)),
        }, AstSessionOptions.DefaultCacheFolder);
        Show(tuned, split.Labels, to);
        return tuned.End == FineTuneEnd.NotFinite ? ExitCode.Failed : failed > 0 ? ExitCode.InputsFailed : ExitCode.Ok;
    }

    private static async Task<FineTuned> LearnAsync(
        FineTuneOptions options, FineTuneData data, string state, CancellationToken stop)
    {
        using var training = new FineTuning(options, data, state, Errors.Warn);
        Terminal.Status(string.Create(
            CultureInfo.InvariantCulture,
            $"{training.TrainedCount / 1e6:0.00} million weights, {data.Train.Count} clips an epoch; Ctrl-C ends it with its best epoch"));
        Terminal.Line("epoch      loss  validation     mAP   top-1      rate       s");
        using var progress = new ProgressLine("learning", 100);
        return await training.TrainAsync(
            epoch =>
            {
                progress.Clear();
                Terminal.Line(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{epoch.Epoch,5} {(double.IsNaN(epoch.Loss) ? "" : epoch.Loss.ToString("0.0000", CultureInfo.InvariantCulture)),9} "
                        + $"{epoch.OtherLoss,11:0.0000} {epoch.MeanAveragePrecision,7:0.000} {100 * epoch.Top1,6:0.0}% "
                        + $"{epoch.Rate,9:0.0e0} {epoch.Seconds,7:0.0}"));
            },
            done => progress.Report((long)(100 * done)), stop).ConfigureAwait(false);
    }

    private async Task<(IReadOnlyList<BankedClip> Train, IReadOnlyList<BankedClip>? HeldOut, int Failed)> DecodeAsync(
        SoundBank bank, IReadOnlyList<LabelledClip> train, IReadOnlyList<LabelledClip>? heldOut, CancellationToken stop)
    {
        using var progress = new ProgressLine("reading", train.Count + (heldOut?.Count ?? 0));
        var failed = 0;
        var seconds = ClipEmbedder.MostWindows * checkpoint.Config.MaxLength * FbankOptions.FrameTime.TotalSeconds;
        Task<IReadOnlyList<BankedClip>> Add(IReadOnlyList<LabelledClip> clips) => bank.AddAsync(
            clips, seconds, static async (path, stop) => await AudioFile.OpenAsync(path, stop: stop).ConfigureAwait(false), (_, why) =>
            {
                progress.Clear();
                Errors.Write(why);
                failed++;
            }, progress.Step, stop);
        var read = await Add(train).ConfigureAwait(false);
        return (read, heldOut is null ? null : await Add(heldOut).ConfigureAwait(false), failed);
    }

    /// <summary>What a state must be of: the base, the sound, what it is said to be, and every flag.</summary>
    private Dictionary<string, string> Of(TrainingSplit split)
    {
        var text = string.Join('\n', split.All.Select(c => $"{c.Clip.Content} {string.Join(' ', c.Targets)}").Concat(split.Labels));
        var of = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["the base"] = checkpoint.Hash[..12],
            ["the data"] = $"{split.All.Count()} clips ({Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..12]})",
            ["--class-weights"] = head.IsBalanced ? "balanced" : "none",
        };
        foreach (var (flag, value) in flags.Words(result))
            of[flag] = value;
        return of;
    }

    private static void Show(FineTuned tuned, IReadOnlyList<string> labels, string folder)
    {
        TrainTables.ShowReports(("chosen by", tuned.Chosen), ("kept out", tuned.HeldOut));
        TrainTables.ShowLabels(labels, tuned.Thresholds, tuned.HeldOut ?? tuned.Chosen);
        var why = tuned.End switch
        {
            FineTuneEnd.NoBetter => $", which {tuned.Epochs[^1].Epoch - tuned.Best} more did not better",
            FineTuneEnd.Asked => ", as it was asked to end",
            FineTuneEnd.NotFinite => ", as numbers were not finite any more",
            _ => "",
        };
        Terminal.Status(
            tuned.Best == 0
                ? $"{folder}: {labels.Count} labels; no epoch was better than the head that it began with{why}"
                : $"{folder}: {labels.Count} labels, the weights of epoch {tuned.Best}{why}");
    }
}
