using System.CommandLine;
using AstStream.Connectors.Files;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Learning;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;
using AstStream.Station.Clips;
using AstStream.Station.Store;

namespace AstStream.Worker.Commands;

/// <summary>store embed: what a station's events are to a model, from their clips.</summary>
internal static class EmbedCommand
{
    private const int AtOnce = 200; // events that are written at once: a run waits for it

    public static Command Make(string defaultModel)
    {
        var station = new Argument<string>("STATION")
        {
            Description = "A station's folder.",
            DefaultValueFactory = _ => "station",
        };
        var model = new Option<string>("--model")
        {
            Description = "The model; the default model where it is not given.",
            HelpName = "DIR",
            DefaultValueFactory = _ => defaultModel,
        };
        var flags = new ExecutionFlags(hasGraph: false);
        var command = Help.Add(
            new Command("embed", "Gives events the embeddings of a model, from their clips: after a change of the model.")
            {
                station, model,
            },
            $"""
            What sounds alike is found among events whose embeddings are of one model. A run gives them to the events that it reports; this
            gives them to those of before whose clips are there, in place of another model's. The run may go on meanwhile.

            Examples:
              aststream store embed station/ --model models/site

            {ExitCode.Help}
            """);
        flags.AddTo(command, hasWindow: false);
        command.SetAction((result, _) => StopSignal.GuardAsync(async stop =>
        {
            using var checkpoint = AstCheckpoint.OpenForOutputs(result.GetValue(model)!);
            try
            {
                return await RunAsync(checkpoint, flags.Read(result, checkpoint.Config), result.GetValue(station)!, stop)
                    .ConfigureAwait(false);
            }
            catch (StoreException e)
            {
                return StoreCommands.Said(e);
            }
        }, "what is embedded, by hundreds, is in the store, and the same command goes on"));
        return command;
    }

    private static async Task<int> RunAsync(
        AstCheckpoint checkpoint, AstSessionOptions execution, string station, CancellationToken stop)
    {
        var sounds = EventSound.WithoutEmbedding(station, checkpoint.Hash);
        if (sounds.Count == 0)
        {
            Terminal.Status($"{station}: all closed events with clips have embeddings of {checkpoint.Name}");
            return ExitCode.Ok;
        }

        using var session = AstSession.Create(checkpoint, execution with { BatchSizes = [1], Outputs = AstOutputs.PoolerOutput });
        foreach (var warning in session.Warnings)
            Errors.Warn(warning);
        var failed = await EmbedAsync(checkpoint, session, sounds, station, stop).ConfigureAwait(false);
        Terminal.Status($"{station}: {sounds.Count - failed} events have embeddings of {checkpoint.Name} now");
        return failed > 0 ? ExitCode.InputsFailed : ExitCode.Ok;
    }

    /// <summary>Embeds events, and writes them by hundreds; says how many have sound that can't be read.</summary>
    private static async Task<int> EmbedAsync(
        AstCheckpoint checkpoint, AstSession session, IReadOnlyList<EventSound> sounds, string station, CancellationToken stop)
    {
        var identity = new ModelIdentity(checkpoint.Hash, session.Precision.Word(), session.Providers[0].Word());
        var store = Path.Combine(station, Path.GetFileName(StoreCommands.DefaultStore));
        var features = new ClipFeatures(checkpoint);
        using var progress = new ProgressLine("embedding", sounds.Count);
        var failed = 0;
        foreach (var some in sounds.Chunk(AtOnce))
        {
            var embeddings = new List<(string, ReadOnlyMemory<Half>)>();
            foreach (var sound in some)
            {
                stop.ThrowIfCancellationRequested();
                try
                {
                    Fill(sound, await ReadAsync(sound, session.Config.MaxLength, stop).ConfigureAwait(false), features, session);
                    session.Run(1);
                    var vector = Array.ConvertAll(session.Embedding(0).ToArray(), v => (Half)v);
                    embeddings.Add(Array.TrueForAll(vector, Half.IsFinite) ? (sound.Id, vector)
                        : throw new InvalidAudioException($"{sound.File}: its embedding has no finite numbers"));
                }
                catch (Exception e) when (e is InvalidAudioException or IOException or UnauthorizedAccessException)
                {
                    progress.Clear();
                    Errors.Write(e.Message);
                    failed++;
                }

                progress.Step();
            }

            StoreCare.Embed(store, checkpoint.Name, identity, embeddings);
        }

        return failed;
    }

    /// <summary>The event's own sound; of one that is longer than a window, the middle.</summary>
    private static async Task<float[]> ReadAsync(EventSound sound, int frames, CancellationToken stop)
    {
        var window = frames * FbankOptions.FrameTime.TotalSeconds;
        var middle = (sound.Onset + sound.Offset) / 2;
        var (begin, end) = (Math.Max(sound.Onset, middle - (window / 2)), Math.Min(sound.Offset, middle + (window / 2)));
        await using var clip = await AudioFile.OpenAsync(sound.File, stop: stop).ConfigureAwait(false);
        var samples = ClipSamples.Read(clip, end);
        return samples[Math.Clamp((int)(begin * FbankOptions.SampleRate), 0, samples.Length)..];
    }

    private static void Fill(EventSound sound, float[] samples, ClipFeatures features, AstSession session)
    {
        if (samples.Length < FbankOptions.FrameLength)
            throw new InvalidAudioException($"{sound.File}: has less than a frame of 25 ms of the event's sound");
        var clip = features.Read(new ArrayReader(samples, FbankOptions.SampleRate), sound.File, session.Config.MaxLength);
        ClipFeatures.Fill(clip.Frames, session.Input(0));
    }
}
