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

/// <summary>
/// train by steps: of the transformer's layers, of a localiser, or of both. A head is fitted first, and the training goes on from there.
/// </summary>
internal sealed class TrainTransformer(
    TrainFlags flags, ParseResult result, AstCheckpoint checkpoint, AstSessionOptions execution, HeadOptions head, ModelCard card,
    KeptLabels keeper, string rule)
{
    /// <summary>Trains, and writes the model.</summary>
    /// <param name="given">The clips.</param>
    /// <param name="to">The folder to write.</param>
    /// <param name="stop">Ends the training; before it began, everything.</param>
    public async Task<int> RunAsync(TrainData given, string to, CancellationToken stop)
    {
        var state = $"{Path.TrimEndingDirectorySeparator(Path.GetFullPath(to))}.training";
        if (FineTuning.HasState(state) && !flags.Resumes(result))
            throw new InvalidTrainingException(
                $"{state}: holds a training that was cut off; --resume goes on from there. Remove it to begin anew");
        if (!FineTuning.HasState(state) && flags.Resumes(result))
            Errors.Note($"{state} holds no training to go on from; it begins anew");
        var options = await flags.ReadAsync(
            result, checkpoint.Config, execution, head.IsBalanced, head.Thresholds!, stop).ConfigureAwait(false);
        Directory.CreateDirectory(state);
        using var bank = SoundBank.Create(Path.Combine(state, FineTuning.SoundFile)); // it can't be had while another training has it
        try
        {
            return await RunAsync(bank, options, given, to, state, stop).ConfigureAwait(false);
        }
        finally
        {
            // Nothing is left of what was refused or is done; what was cut off can go on.
            if (!FineTuning.HasState(state) || (Directory.Exists(to) && Directory.EnumerateFileSystemEntries(to).Any()))
                FineTuning.RemoveState(state);
        }
    }

    private async Task<int> RunAsync(
        SoundBank bank, FineTuneOptions options, TrainData given, string to, string state, CancellationToken stop)
    {
        var (clips, measured, failed) = await DecodeAsync(bank, given, stop).ConfigureAwait(false);
        var split = TrainingSplit.Make(clips, measured, head, flags.Chosen(result));
        var isDeep = !options.Session.TrainsColumnsAlone;
        Check(split, options);

        // What the epoch is chosen by is kept from the layers; a head alone is not changed by the steps, and may have all of it.
        var first = await FitAsync(isDeep ? split.Train : [.. split.Train, .. split.Chosen], stop).ConfigureAwait(false);
        var written = keeper.Join(split.Labels, first.Head);
        var kept = written.Labels.Count - split.Labels.Count;
        var placed = Placed(split.Train, split.Labels);
        var groups = keeper.Groups(placed);
        var (config, tensors) = Begin(written, options, groups, placed);
        using var teacher = (isDeep && kept > 0) || groups.Count > 0 ? new Teacher(checkpoint, execution) : null;
        var (replay, unread) = teacher is null ? ([], 0) : await ReplayAsync(bank, stop).ConfigureAwait(false);
        var batch = Math.Min(options.Batch, split.Train.Count); // a larger one would compute what nobody asked for
        options = options with
        {
            Batch = batch,
            Session = options.Session with
            {
                Batch = Math.Min(options.Session.Batch, batch),
                TrainsColumns = config.Localiser is not null,
            },
        };
        var data = new FineTuneData
        {
            Bank = bank,
            Config = config,
            Kept = kept,
            KeptGroups = groups,
            Teacher = teacher,
            Replay = replay,
            Extractor = checkpoint.Extractor,
            Weights = name => tensors.GetValueOrDefault(name) ?? checkpoint.Read(name),
            Train = split.Train,
            Chosen = split.Chosen,
            HeldOut = split.HeldOut,
            Thresholds = first.Thresholds,
            Of = Of(split, replay),
        };
        var tuned = await LearnAsync(options, data, state, stop).ConfigureAwait(false);
        if (!isDeep && tuned.Best == 0)
        {
            Errors.Warn($"no epoch placed the labels better than at the beginning{Why(tuned)}: the model is written with the head alone");
            placed.Clear();
            groups = keeper.Groups(placed);
            (config, tensors) = Begin(written, options, groups, placed);
        }
        else
        {
            foreach (var (name, values) in tuned.Weights)
                tensors[name] = values;
        }

        var thresholds = keeper.NotUnder(split.Labels, isDeep ? tuned.Thresholds : first.Thresholds, head.LeastThresholds);
        tuned = tuned with { Thresholds = thresholds };
        first = first with { Thresholds = thresholds, HeldOut = tuned.HeldOut };
        var made = card with { Kept = kept, Localiser = config.Localiser is null ? null : (groups.Count, placed.Count) };
        CheckpointTraining.Write(checkpoint, config, tensors, to, new Dictionary<string, byte[]>
        {
            ["README.md"] = Encoding.UTF8.GetBytes(
                isDeep ? made.Of(tuned, split.Labels, flags.Depth(result), split.Counts) : made.Of(first, tuned)),
            ["thresholds.json"] = TrainCommand.Thresholds(rule, written.Labels, keeper.Thresholds(split.Labels, thresholds)),
            ["training.html"] = Encoding.UTF8.GetBytes(TrainingPage.Of(card.Name, tuned)),
            ["training.csv"] = Encoding.UTF8.GetBytes(TrainingPage.Csv(tuned)),
        }, AstSessionOptions.DefaultCacheFolder);
        if (isDeep)
            Show(tuned, split.Labels, to);
        else
            TrainCommand.Show(first, to, tuned.Best == 0 ? "the head" : $"a localiser of epoch {tuned.Best}{Why(tuned)}, the head");
        return tuned.End == FineTuneEnd.NotFinite ? ExitCode.Failed : failed + unread > 0 ? ExitCode.InputsFailed : ExitCode.Ok;
    }

    /// <summary>Refuses clips that can't be learnt from as it was asked for.</summary>
    private static void Check(TrainingSplit split, FineTuneOptions options)
    {
        if (options.Session.Loss == TrainingLoss.CrossEntropy && split.All.FirstOrDefault(c => c.Targets.Count != 1) is { } odd)
            throw new InvalidTrainingException(
                $"--loss cross-entropy: {odd.Clip.Clip.Name} has {odd.Targets.Count} labels; expected one of each clip, or --loss bce");
        if (options.Session.TrainsColumnsAlone && !Placed(split.Chosen, split.Labels).Overlaps(Placed(split.Train, split.Labels)))
            throw new InvalidTrainingException(
                "--truth: no label sounds both in recordings that are learnt from and in those that the epoch is chosen by; expected more "
                    + "recordings with times");
    }

    /// <summary>The architecture, and the weights of its heads that a training begins with.</summary>
    private (AstConfig Config, Dictionary<string, float[]> Tensors) Begin(
        ClassifierHead written, FineTuneOptions options, IReadOnlyList<int> groups, HashSet<string> placed)
    {
        var localiser = CheckpointLocaliser.Config(checkpoint, written.Labels, groups, placed);
        var tensors = CheckpointHead.Tensors(checkpoint, written);
        foreach (var (name, values) in
            localiser is null ? [] : CheckpointLocaliser.Tensors(checkpoint, written.Labels, localiser, groups))
            tensors.Add(name, values);
        return (
            CheckpointTraining.Config(
                checkpoint, written.Labels, options.Session.Loss == TrainingLoss.BinaryCrossEntropy, localiser), tensors);
    }

    /// <summary>The labels of which it is known when they sound.</summary>
    private static HashSet<string> Placed(IReadOnlyList<LearntClip> clips, IReadOnlyList<string> labels) =>
        clips.Where(c => c.Clip.Clip.Times is not null).SelectMany(c => c.Targets).Distinct().Select(t => labels[t])
            .ToHashSet(StringComparer.Ordinal);

    private async Task<TrainedHead> FitAsync(IReadOnlyList<LearntClip> clips, CancellationToken stop)
    {
        var (learnt, _, failed) = await TrainCommand.EmbedAsync(
            checkpoint, execution, [.. clips.Select(c => c.Clip.Clip)], null, stop).ConfigureAwait(false);
        return failed == 0 ? await TrainCommand.FitAsync(head with { HeldOut = 0 }, checkpoint, learnt, null, stop).ConfigureAwait(false)
            : throw new InvalidTrainingException($"{failed} clips have no embedding; take them out, or --providers cpu");
    }

    private static async Task<FineTuned> LearnAsync(
        FineTuneOptions options, FineTuneData data, string state, CancellationToken stop)
    {
        using var training = new FineTuning(options, data, state, Errors.Warn);
        Terminal.Status(string.Create(
            CultureInfo.InvariantCulture,
            $"{training.TrainedCount / 1e6:0.00} million weights, {data.Train.Count} clips an epoch; Ctrl-C ends it with its best epoch"));
        var (places, keeps) = (options.Session.TrainsColumns, data.Teacher is not null && !options.Session.TrainsColumnsAlone);
        Terminal.Line(
            $"epoch      loss  validation     mAP   top-1{(places ? "  places" : "")}{(keeps ? "    kept" : "")}      rate       s");
        using var progress = new ProgressLine("learning", 100);
        return await training.TrainAsync(
            epoch =>
            {
                static string Number(double value, string format) =>
                    double.IsNaN(value) ? "" : value.ToString(format, CultureInfo.InvariantCulture);
                progress.Clear();
                Terminal.Line(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{epoch.Epoch,5} {Number(epoch.Loss, "0.0000"),9} {epoch.OtherLoss,11:0.0000} {epoch.MeanAveragePrecision,7:0.000} "
                        + $"{100 * epoch.Top1,6:0.0}%{(places ? $" {Number(epoch.Places, "0.000"),7}" : "")}"
                        + $"{(keeps ? $" {Number(epoch.Kept, "0.0%"),7}" : "")} {epoch.Rate,9:0.0e0} {epoch.Seconds,7:0.0}"));
            },
            done => progress.Report((long)(100 * done)), stop).ConfigureAwait(false);
    }

    /// <summary>Sound without labels, each file a recording; and how many can't be read.</summary>
    private async Task<(IReadOnlyList<BankedClip> Clips, int Failed)> ReplayAsync(SoundBank bank, CancellationToken stop)
    {
        var files = flags.Replay(result);
        if (files.Count == 0)
            return ([], 0);
        using var progress = new ProgressLine("reading", files.Count);
        var (read, failed) = await AddAsync(bank, [.. files.Select(f => new LabelledClip(f, [], f, ""))], progress, stop)
            .ConfigureAwait(false);
        return read.Count > 0 ? (read, failed)
            : throw new InvalidTrainingException($"--replay: none of {failed} recordings can be read");
    }

    private async Task<(IReadOnlyList<BankedClip> Train, IReadOnlyList<BankedClip>? HeldOut, int Failed)> DecodeAsync(
        SoundBank bank, TrainData given, CancellationToken stop)
    {
        using var progress = new ProgressLine("reading", given.Train.Count + (given.HeldOut?.Count ?? 0));
        var (train, failed) = await AddAsync(bank, given.Train, progress, stop).ConfigureAwait(false);
        if (given.HeldOut is null)
            return (train, null, failed);
        var (heldOut, others) = await AddAsync(bank, given.HeldOut, progress, stop).ConfigureAwait(false);
        return (train, heldOut, failed + others);
    }

    private async Task<(IReadOnlyList<BankedClip> Clips, int Failed)> AddAsync(
        SoundBank bank, IReadOnlyList<LabelledClip> clips, ProgressLine progress, CancellationToken stop)
    {
        var failed = 0;
        var seconds = ClipEmbedder.MostWindows * checkpoint.Config.MaxLength * FbankOptions.FrameTime.TotalSeconds;
        var read = await bank.AddAsync(
            clips, seconds, static async (path, stop) => await AudioFile.OpenAsync(path, stop: stop).ConfigureAwait(false), (_, why) =>
            {
                progress.Clear();
                Errors.Write(why);
                failed++;
            }, progress.Step, stop).ConfigureAwait(false);
        return (read, failed);
    }

    /// <summary>What a state must be of: the base, the sound, what it is said to be, and every flag.</summary>
    private Dictionary<string, string> Of(TrainingSplit split, IReadOnlyList<BankedClip> replay)
    {
        static string Times(LearntClip clip) => string.Join(' ', clip.Clip.Clip.Times?.Select(
            t => string.Create(CultureInfo.InvariantCulture, $"{t.Label} {t.Onset:R} {t.Offset:R}")) ?? []);
        var text = string.Join('\n', split.All.Select(c => $"{c.Clip.Content} {string.Join(' ', c.Targets)} {Times(c)}")
            .Concat(split.Labels).Concat(replay.Select(c => c.Content)));
        var of = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["the base"] = checkpoint.Hash[..12],
            ["the data"] = $"{split.All.Count()} clips ({Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..12]})",
            ["--class-weights"] = head.IsBalanced ? "balanced" : "none",
            ["--keep-labels"] = keeper.Prior is null ? "not given" : "given",
        };
        foreach (var (flag, value) in flags.Words(result))
            of[flag] = value;
        return of;
    }

    private static void Show(FineTuned tuned, IReadOnlyList<string> labels, string folder)
    {
        TrainTables.ShowReports(("chosen by", tuned.Chosen), ("kept out", tuned.HeldOut));
        TrainTables.ShowLabels(labels, tuned.Thresholds, tuned.HeldOut ?? tuned.Chosen);
        Terminal.Status(
            tuned.Best == 0
                ? $"{folder}: {labels.Count} labels; no epoch was better than the head that it began with{Why(tuned)}"
                : $"{folder}: {labels.Count} labels, the weights of epoch {tuned.Best}{Why(tuned)}");
    }

    /// <summary>Why it ended where it did, unless all epochs were learnt.</summary>
    private static string Why(FineTuned tuned) => tuned.End switch
    {
        FineTuneEnd.NoBetter => $", which {tuned.Epochs[^1].Epoch - tuned.Best} more did not better",
        FineTuneEnd.Asked => ", as it was asked to end",
        FineTuneEnd.NotFinite => ", as numbers were not finite any more",
        _ => "",
    };
}
