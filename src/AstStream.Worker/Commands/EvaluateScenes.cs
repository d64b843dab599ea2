using System.CommandLine;
using System.Globalization;
using AstStream.Connectors.Files;
using AstStream.Dsp;
using AstStream.Learning;
using AstStream.Learning.Evaluation;

namespace AstStream.Worker.Commands;

/// <summary>evaluate scenes.</summary>
internal static class EvaluateScenes
{
    private const double MostRead = 600; // seconds of a recording
    private const string Definition = """
        # Made by `aststream evaluate scenes`; measured by `aststream evaluate events pipeline.yaml --truth .`
        sources:
          scenes: {type: file, path: .}
        sinks:
          console: {type: console}

        """;

    public static Command Make()
    {
        var sounds = new Option<string>("--sounds")
        {
            Description = "Labelled clips: a table, ESC-50's folder, or a folder with a folder a label.",
            HelpName = "PATH",
            Required = true
        };
        var folds = EvaluateCommands.Folds();
        var backgrounds = new Option<string?>("--backgrounds")
        {
            Description = "A folder of recordings to put under the sounds; pink noise without it.",
            HelpName = "DIR"
        };
        var to = new Option<string>("--to") { Description = "The folder to write; it is made.", HelpName = "DIR", Required = true };
        var count = new Option<int>("--count") { Description = "Scenes.", HelpName = "N", DefaultValueFactory = _ => 20 };
        ExecutionFlags.Validate(count, 1, 10_000);
        var length = new Option<int>("--length") { Description = "Seconds of a scene.", HelpName = "S", DefaultValueFactory = _ => 60 };
        ExecutionFlags.Validate(length, 5, 3600);
        var events = new Option<int>("--events")
        {
            Description = "Events in a scene, where there is room.",
            HelpName = "N",
            DefaultValueFactory = _ => 6
        };
        ExecutionFlags.Validate(events, 0, 1000);
        var snr = new Option<double>("--snr")
        {
            Description = "An event's level over the background under it, in dB.",
            HelpName = "DB",
            DefaultValueFactory = _ => 15
        };
        var overlap = new Option<bool>("--overlap") { Description = "Events may overlap." };
        var seed = new Option<int>("--seed") { Description = "The same makes the same.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var command = Help.Add(
            new Command("scenes", "Makes recordings in which it is known what sounds when.")
            {
                sounds, folds, backgrounds, to, count, length, events, snr, overlap, seed,
            },
            $"""
            Each scene is a WAV file of 16 kHz and a table of its events beside it, in Audacity's form; a pipeline definition is written
            too. Of a clip that part is taken in which it is within 25 dB of its loudest 20 ms, at most 10 s.

            Examples:
              aststream evaluate scenes --sounds ESC-50/ --fold 5 --backgrounds rooms/ --snr 6 --to scenes/
              aststream evaluate events scenes/pipeline.yaml --truth scenes/

            {ExitCode.Help}
            """);
        command.SetAction(async (result, stop) =>
        {
            string[] wanted = result.GetValue(folds)!;
            List<LabelledClip> clips = [.. ClipDataset.Read(result.GetValue(sounds)!, Errors.Note)
                .Where(c => c.Labels.Count == 1 && (wanted.Length == 0 || wanted.Contains(c.Fold)))];
            if (clips.Count == 0)
                throw new InvalidTruthException($"{result.GetValue(sounds)}: has no clip of one label in these folds");
            List<string> rooms = result.GetValue(backgrounds) is { } folder ? Recordings(folder) : [];
            var options = new SceneOptions
            {
                Length = result.GetValue(length),
                Events = result.GetValue(events),
                Snr = result.GetValue(snr),
                Overlaps = result.GetValue(overlap),
            };
            var target = Directory.CreateDirectory(result.GetValue(to)!).FullName;
            using var progress = new ProgressLine("making scenes", result.GetValue(count));
            var total = 0;
            for (var i = 1; i <= result.GetValue(count); i++)
            {
                stop.ThrowIfCancellationRequested();
                total += await MakeAsync(target, i, new SceneMaker(options, (result.GetValue(seed) * 10_007) + i), clips, rooms, stop)
                    .ConfigureAwait(false);
                progress.Step();
            }

            await File.WriteAllTextAsync(Path.Combine(target, "pipeline.yaml"), Definition, stop).ConfigureAwait(false);
            Terminal.Status($"{result.GetValue(count)} scenes with {total} events in {target}");
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>Makes a scene and its table; returns how many events it has.</summary>
    private static async Task<int> MakeAsync(
        string folder, int number, SceneMaker maker, List<LabelledClip> clips, List<string> rooms, CancellationToken stop)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"scene-{number:0000}");
        float[] room = rooms.Count == 0 ? [] : await ReadAsync(rooms[number % rooms.Count], stop).ConfigureAwait(false);
        var scene = maker.Background(room);

        var sounds = new List<(ReadOnlyMemory<float>, string)>();
        foreach (var clip in maker.Draw(clips))
            sounds.Add((maker.Sounding(await ReadAsync(clip.Path, stop).ConfigureAwait(false)), clip.Labels[0]));
        var events = maker.Fill(name, scene, sounds);
        using (var file = new WavWriter(Path.Combine(folder, name + ".wav"), FbankOptions.SampleRate, 1))
            file.Write(scene);
        await File.WriteAllLinesAsync(
            Path.Combine(folder, name + ".txt"),
            events.Select(e => string.Create(CultureInfo.InvariantCulture, $"{e.Onset:0.000}\t{e.Offset:0.000}\t{e.Label}")), stop)
            .ConfigureAwait(false);
        return events.Count;
    }

    private static List<string> Recordings(string folder)
    {
        List<string> files = Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder).Where(ClipDataset.IsSound).Order(StringComparer.Ordinal)] : [];
        return files.Count > 0 ? files : throw new InvalidTruthException($"--backgrounds {folder}: holds no recording");
    }

    private static async Task<float[]> ReadAsync(string path, CancellationToken stop)
    {
        await using var sound = await AudioFile.OpenAsync(path, stop: stop).ConfigureAwait(false);
        return ClipSamples.Read(sound, MostRead);
    }
}
