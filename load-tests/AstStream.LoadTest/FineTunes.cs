using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using AstStream.Connectors.Files;
using AstStream.Learning.Evaluation;
using AstStream.Learning.Training;
using AstStream.Model.Checkpoints;
using AstStream.Model.Import;
using AstStream.Model.Runtime;
using AstStream.Model.Training;

namespace AstStream.LoadTest;

/// <summary>
/// Fine-tunes a model several times, with other orders of the same clips, and writes what it began with, so that torch_ast.py can do the
/// same in the same orders: do both end in the same place?
/// </summary>
internal static class FineTunes
{
    private const int Batch = 32;
    private const double HeadRate = 10; // of a head that begins with zeros
    private const double Seconds = 60; // of a clip

    public static async Task RunAsync(
        string model, string learn, string measure, string folder, int seeds, int epochs, double rate, int last)
    {
        using var checkpoint = AstCheckpoint.OpenForOutputs(model);
        Directory.CreateDirectory(folder);
        using var bank = SoundBank.Create(Path.Combine(folder, "sound.f32"));
        var (train, chosen) = (await ReadAsync(bank, learn), await ReadAsync(bank, measure));
        string[] labels = [.. train.SelectMany(c => c.Clip.Labels).Distinct().Order(StringComparer.Ordinal)];
        LearntClip[] Learnt(IEnumerable<BankedClip> clips) => [.. clips.Select(
            c => new LearntClip(c, [.. c.Clip.Labels.Select(l => Array.IndexOf(labels, l)).Where(l => l >= 0)]))];
        var width = checkpoint.Config.HiddenSize;
        var tensors = CheckpointHead.Tensors(
            checkpoint, new ClassifierHead(labels, new float[labels.Length * width], new float[labels.Length]));
        var config = CheckpointTraining.Config(checkpoint, labels, isMultiLabel: true, localiser: null);
        var data = new FineTuneData
        {
            Bank = bank,
            Config = config,
            Extractor = checkpoint.Extractor,
            Weights = name => tensors.GetValueOrDefault(name) ?? checkpoint.Read(name),
            Train = Learnt(train),
            Chosen = Learnt(chosen),
            Thresholds = [.. labels.Select(_ => 0.5)],
            Of = new Dictionary<string, string>(),
        };
        var options = new FineTuneOptions
        {
            Epochs = epochs,
            Batch = Batch,
            Rate = rate,
            Average = 0,
            Patience = 0,
            IsBalanced = false,
            Augment = AugmentOptions.None,
            Session = new TrainingSessionOptions
            {
                Batch = Batch,
                HeadRate = HeadRate,
                FirstTrained = last == 0 ? -1 : config.NumHiddenLayers - last,
            },
        };
        Write(checkpoint, data, tensors, options, last, folder);
        Console.WriteLine("| seed | loss learnt | loss measured | mAP | top-1 | s |\n|---:|---:|---:|---:|---:|---:|");
        var all = new List<EpochResult>();
        for (var seed = 0; seed < seeds; seed++)
        {
            var state = Directory.CreateTempSubdirectory("aststream-").FullName;
            using var training = new FineTuning(options with { Seed = (ulong)seed }, data, state, Console.Error.WriteLine);
            var tuned = await training.TrainAsync(_ => { }, _ => { }, CancellationToken.None);
            FineTuning.RemoveState(state);
            all.Add(tuned.Epochs[^1]);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {seed} | {all[^1].Loss:0.0000} | {all[^1].OtherLoss:0.0000} | {all[^1].MeanAveragePrecision:0.0000} "
                    + $"| {all[^1].Top1:0.0000} | {tuned.Epochs.Sum(e => e.Seconds):0} |"));
        }
    }

    private static Task<IReadOnlyList<BankedClip>> ReadAsync(SoundBank bank, string table) => bank.AddAsync(
        ClipDataset.Read(table, Console.Error.WriteLine), Seconds,
        static async (path, stop) => await AudioFile.OpenAsync(path, stop: stop), (_, why) => throw new InvalidDataException(why),
        () => { }, CancellationToken.None);

    /// <summary>What it begins with: the weights, the windows, and what is in them.</summary>
    private static void Write(
        AstCheckpoint checkpoint, FineTuneData data, Dictionary<string, float[]> tensors, FineTuneOptions options, int last, string folder)
    {
        var start = Path.Combine(folder, "start");
        if (Directory.Exists(start))
            Directory.Delete(start, recursive: true);
        CheckpointTraining.Write(
            checkpoint, data.Config, tensors, start, new Dictionary<string, byte[]>(), AstSessionOptions.DefaultCacheFolder);
        using var maker = new WindowMaker(data.Bank, data.Config, data.Extractor, options.Augment);
        var window = new float[data.Config.MaxLength * data.Config.NumMelBins];
        foreach (var (name, clips) in ((string, IReadOnlyList<LearntClip>)[])[("learn", data.Train), ("measure", data.Chosen)])
        {
            using var file = File.Create(Path.Combine(folder, name + ".f32"));
            foreach (var clip in clips)
            {
                maker.First(clip.Clip, window);
                file.Write(MemoryMarshal.AsBytes(window.AsSpan()));
            }

            File.WriteAllText(Path.Combine(folder, name + ".json"), JsonSerializer.Serialize(clips.Select(c => c.Targets)));
        }

        File.WriteAllText(Path.Combine(folder, "options.json"), JsonSerializer.Serialize(new
        {
            options.Epochs,
            options.Batch,
            options.Rate,
            options.WarmUp,
            options.MaxNorm,
            options.Session.HeadRate,
            options.Session.WeightDecay,
            Last = last,
        }));
    }
}
