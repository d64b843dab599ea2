using AstStream.Connectors.Programs;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sources;

namespace AstStream.Connectors.Capture;

/// <summary>Raw PCM on standard input, one stream, to the end of the input.</summary>
public sealed class StdinSource : IAudioSource
{
    internal static readonly Key<bool> Live = Keys.Flag(
        "live", "Whether a microphone or the like is its origin: then it is never made to wait, and what comes faster than it can be "
            + "scored is lost and counted. false by default: the writer waits.");

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SourceType Type = new(
        "stdin", "Reads raw PCM from standard input.", [.. PcmKeys.All, Live, LiveOptions.DriftCorrection], Read);

    private const string Name = "standard input";
    private const string Example = "ffmpeg -i IN -f s16le -ar 16000 -ac 1 -";

    private static readonly TimeSpan LastRead = TimeSpan.FromSeconds(0.5);

    private readonly PcmFraming _framing;
    private readonly PcmFormat _format;
    private readonly int? _channel;
    private readonly Func<Stream> _open;

    private StdinSource(Settings settings, Func<Stream> open) =>
        (_framing, _format, _channel, _open) = (settings.Framing, settings.Format, settings.Channel, open);

    /// <inheritdoc/>
    public string Description => PcmKeys.Describe(Name, _framing, _format);

    /// <inheritdoc/>
    public bool IsLive => false;

    /// <inheritdoc/>
    public async Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation)
    {
        await using var input = _open();
        var reader = new PcmReader(input, Name, _framing, _format);
        PcmDecoder? decoder = null;
        long position = 0;
        StreamInfo? stream = null;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, cancellation);
        try
        {
            // A read from a terminal or an idle pipe can't be interrupted; what matters is not to wait for it.
            var isThere = await reader.ReadFormatAsync(either.Token).WaitAsync(either.Token).ConfigureAwait(false);
            var stopped = Task.Delay(Timeout.Infinite, either.Token);
            while (isThere)
            {
                // Asked to drain, what has been read is passed on: also by a read that is about to say so.
                var read = reader.ReadAsync(cancellation).AsTask();
                if (await Task.WhenAny(read, stopped).ConfigureAwait(false) != read)
                    await Task.WhenAny(read, Task.Delay(LastRead, cancellation)).ConfigureAwait(false);
                if (!read.IsCompleted)
                    either.Token.ThrowIfCancellationRequested();
                var chunk = await read.ConfigureAwait(false);
                if (chunk.Bytes.IsEmpty)
                    break;
                decoder ??= new PcmDecoder(reader.Format, _channel, Name);
                stream ??= new StreamInfo(output.Source, output.Source, TimeProvider.System.GetUtcNow()) { Clock = output.MarkClock() };
                if (position == 0 && _framing == PcmFraming.Raw && reader.LooksLikeWav)
                    output.Warn($"{Name}: begins like a WAV file; its header is taken for sound. Say framing: wav, or send raw PCM, for "
                        + $"example: {Example}");
                if (chunk.IsBreak)
                    await output.SkipAsync(stream, reader.Format.SampleRate, position, LossReason.Gap, cancellation).ConfigureAwait(false);
                foreach (var block in Blocks(chunk, decoder, reader.Format, stream, position))
                {
                    position += block.Samples.Length;
                    await output.WriteAsync(block, cancellation).ConfigureAwait(false);
                }

                isThere = !stop.IsCancellationRequested;
            }

            if (position == 0 && !stop.IsCancellationRequested)
                output.Fail($"{Name}: no sound came; expected "
                    + $"{_framing switch { PcmFraming.Wav => "a WAV file", PcmFraming.Records => "records of PCM", _ => "raw PCM" }}, for "
                    + $"example from: {Example}");
            else if (reader.Rest > 0 && !stop.IsCancellationRequested)
                output.Fail(Cut(reader.Rest, reader.Format));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            // Asked to drain.
        }
        catch (InvalidAudioException e)
        {
            output.Fail(e.Message);
        }
        catch (IOException e)
        {
            output.Fail($"{Name}: reading failed: {e.Message}");
        }

        if (stream is not null)
            await output.EndAsync(stream, reader.Format.SampleRate, position, cancellation).ConfigureAwait(false);
        if (decoder?.Warning is { } warning)
            output.Warn(warning);
    }

    private static Settings Read(SectionReader section)
    {
        var isLive = section.Get(Live);
        if (!isLive && section.Has(LiveOptions.DriftCorrection))
            section.Problem(LiveOptions.DriftCorrection, "is for live sources; this one can wait (live: false)");
        return new Settings(
            PcmKeys.Framing(section), PcmKeys.Format(section), section.Get(SourceKeys.Channel),
            isLive ? new LiveOptions { StalledAfter = TimeSpan.FromSeconds(5) }.With(section) : null);
    }

    private static string Cut(long rest, PcmFormat format) =>
        $"{Name}: ended in the middle of a sample or a record ({rest} bytes, in frames of {format.BytesPerFrame}); are encoding and "
            + $"channels right?";

    /// <summary>The chunk in blocks of at most 100 ms.</summary>
    private static IEnumerable<AudioBlock> Blocks(PcmChunk chunk, PcmDecoder decoder, PcmFormat format, StreamInfo stream, long position)
    {
        var most = Math.Max(1, format.SampleRate / 10) * format.BytesPerFrame;
        for (var rest = chunk.Bytes; !rest.IsEmpty; rest = rest[Math.Min(most, rest.Length)..])
        {
            var part = rest[..Math.Min(most, rest.Length)];
            var block = AudioBlock.Rent(stream, position, format.SampleRate, part.Length / format.BytesPerFrame);
            decoder.Decode(part.Span, block.Samples);
            position += block.Samples.Length;
            yield return block;
        }
    }

    /// <summary>Standard input as a live way to sound: there is no other one when it has ended.</summary>
    private sealed class StreamLink(string description, PcmFraming framing, PcmFormat format, Func<Stream> open) : ILiveLink
    {
        public string Description => description;

        public bool CanReopen => false;

        public async Task<LiveConnection> OpenAsync(TimeSpan? patience, CancellationToken cancellation)
        {
            var input = open();
            var reader = new PcmReader(input, Name, framing, format);
            if (!await reader.ReadFormatAsync(cancellation).WaitAsync(cancellation).ConfigureAwait(false))
                throw new LinkException($"{Name}: no sound came; expected PCM, for example from: {Example}");
            return new Connection(reader, input);
        }

        private sealed class Connection(PcmReader reader, Stream input) : LiveConnection(reader)
        {
            public override async ValueTask<PcmChunk> ReadAsync(CancellationToken cancellation) =>
                // As above, a read can't be taken back.
                await base.ReadAsync(cancellation).AsTask().WaitAsync(cancellation).ConfigureAwait(false);

            public override Task<LinkException> WhyEndedAsync() =>
                Task.FromResult(
                    Rest > 0 ? new LinkException(Cut(Rest, Format))
                    : new LinkException($"{Name}: no sound came; expected PCM, for example from: {Example}") { IsEnd = true });

            public override ValueTask DisposeAsync() => input.DisposeAsync();
        }
    }

    /// <summary>A patient source, or, with options of live ones, one that is never made to wait.</summary>
    private sealed record Settings(PcmFraming Framing, PcmFormat Format, int? Channel, LiveOptions? Live) : SourceSettings
    {
        // A read that waits can't be taken back, and would swallow the next one's sound.
        public override IReadOnlyList<Resource> Resources => [new Resource(ResourceKind.Single, "stdin") { CanBeTakenOver = false }];

        public override IAudioSource Build(PipelineDefinition pipeline)
        {
            var patient = new StdinSource(this, Console.OpenStandardInput);
            return Live is null ? patient : new LiveSource(
                new StreamLink(patient.Description, Framing, Format, Console.OpenStandardInput), Live);
        }
    }
}
