using AstStream.Dsp;
using AstStream.Streaming;
using AstStream.Streaming.Pipelines;

namespace AstStream.Connectors;

/// <summary>Raw PCM on standard input, one stream, to the end of the input.</summary>
public sealed class StdinSource : IAudioSource
{
    internal static readonly Key<string> Encoding = Keys.Choice("encoding", "How a sample is written, little-endian; s16le by default.", "s16le", "u8", "s16le", "s24le", "s32le", "f32le", "f64le");
    internal static readonly Key<int> SampleRate = Keys.Integer("sample_rate", "Samples a second; 16000 by default.", 16000, PcmFormat.MinSampleRate, PcmFormat.MaxSampleRate);
    internal static readonly Key<int> NumChannels = Keys.Integer("channels", "Interleaved channels; 1 by default.", 1, 1, PcmFormat.MaxChannels);

    internal static readonly Key<bool> Live = Keys.Flag("live", "Whether a microphone or the like stands behind it: then it is never made to wait, and what comes faster than it can be scored is lost and counted. false by default: the writer waits.");

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SourceType Type = new(
        "stdin", "Reads raw PCM from standard input.", [Encoding, SampleRate, NumChannels, Channels.Key, Live], section => new StdinSource(section, Console.OpenStandardInput))
    { IsSingle = true };

    private readonly PcmFormat _format;
    private readonly int? _channel;
    private readonly Func<Stream> _open;

    internal StdinSource(SectionReader section, Func<Stream> open)
    {
        var encoding = section.Get(Encoding) switch
        {
            "u8" => PcmEncoding.U8,
            "s24le" => PcmEncoding.S24,
            "s32le" => PcmEncoding.S32,
            "f32le" => PcmEncoding.F32,
            "f64le" => PcmEncoding.F64,
            _ => PcmEncoding.S16,
        };
        _format = new PcmFormat(encoding, section.Get(SampleRate), section.Get(NumChannels));
        _channel = section.Get(Channels.Key);
        _open = open;
        IsLive = section.Get(Live);
        if (_channel >= _format.Channels)
            section.Problem(Channels.Key, $"channel {_channel} was asked for, but there are {_format.Channels}, numbered from 0");
    }

    /// <inheritdoc/>
    public string Description => $"standard input, {_format.Encoding.ToString().ToLowerInvariant()}, {_format.SampleRate} Hz, {_format.Channels} channel{(_format.Channels == 1 ? "" : "s")}";

    /// <inheritdoc/>
    public bool IsLive { get; }

    /// <inheritdoc/>
    public bool CanBeReplaced => false; // a read that is under way can't be taken back

    /// <inheritdoc/>
    public async Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation)
    {
        await using var input = _open();
        var decoder = new PcmDecoder(_format, _channel, "standard input");
        var frame = _format.BytesPerFrame;
        var buffer = new byte[Math.Max(1, _format.SampleRate / 10) * frame]; // at most 100 ms at once
        var held = 0; // bytes of a sample that has not come whole
        long position = 0;
        StreamInfo? stream = null;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, cancellation);
        try
        {
            while (true)
            {
                // A read from a terminal or an idle pipe can't be interrupted; what matters is not to wait for it.
                var got = await input.ReadAsync(buffer.AsMemory(held), either.Token).AsTask().WaitAsync(either.Token).ConfigureAwait(false);
                if (got == 0)
                    break;
                stream ??= new StreamInfo(output.Source, output.Source, TimeProvider.System.GetUtcNow());
                if (position == 0 && held == 0 && buffer.AsSpan(0, got).StartsWith("RIFF"u8))
                    output.Warn("standard input: begins like a WAV file; its header is taken for sound. Send raw PCM, for example: ffmpeg -i IN -f s16le -ar 16000 -ac 1 -");
                held += got;
                var samples = held / frame;
                if (samples == 0)
                    continue;
                var block = AudioBlock.Rent(stream, position, _format.SampleRate, samples);
                decoder.Decode(buffer.AsSpan(0, samples * frame), block.Samples);
                buffer.AsSpan(samples * frame, held - (samples * frame)).CopyTo(buffer);
                held -= samples * frame;
                position += samples;
                await output.WriteAsync(block, cancellation).ConfigureAwait(false);
            }

            if (position == 0)
                output.Fail("standard input: no sound came; expected raw PCM, for example from: ffmpeg -i IN -f s16le -ar 16000 -ac 1 -");
            else if (held > 0)
                output.Fail($"standard input: ended in the middle of a sample ({held} of {frame} bytes); are encoding and channels right?");
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            // Asked to drain.
        }
        catch (IOException e)
        {
            output.Fail($"standard input: reading failed: {e.Message}");
        }

        if (stream is not null)
            await output.EndAsync(stream, _format.SampleRate, position, cancellation).ConfigureAwait(false);
        if (decoder.Warning is { } warning)
            output.Warn(warning);
    }
}
