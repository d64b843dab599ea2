using System.Runtime.InteropServices;
using AstStream.Connectors.Programs;
using AstStream.Dsp;

namespace AstStream.Connectors.Capture;

/// <summary>A microphone outside a pipeline: to be recorded from, or looked at.</summary>
public static class DeviceListener
{
    private static readonly TimeSpan s_latency = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <summary>Records a network stream, as ffmpeg hears it; else as a device.</summary>
    /// <inheritdoc cref="RecordAsync(DeviceChoice, string, double, Action{double, SignalMeter}, CancellationToken)"/>
    public static Task<(double Seconds, int Breaks)> RecordAsync(
        string url, string path, double seconds, Action<double, SignalMeter> progress, CancellationToken stop) =>
        RecordAsync(FfmpegSource.Link(new SecretUrl(url)), path, seconds, progress, stop);

    /// <summary>Records a device to a WAV file of 16 bits, with its own rate and channels.</summary>
    /// <param name="choice">The device.</param>
    /// <param name="path">The file.</param>
    /// <param name="seconds">How much to record.</param>
    /// <param name="progress">Is told how many seconds are there, and their levels.</param>
    /// <param name="stop">Ends the recording earlier; what has been recorded is kept.</param>
    /// <returns>The seconds that were recorded, and how often samples were missing.</returns>
    /// <exception cref="InvalidAudioException">The device can't be opened, or has gone.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static Task<(double Seconds, int Breaks)> RecordAsync(
        DeviceChoice choice, string path, double seconds, Action<double, SignalMeter> progress, CancellationToken stop) =>
        RecordAsync(Link(choice), path, seconds, progress, stop);

    private static async Task<(double Seconds, int Breaks)> RecordAsync(
        ILiveLink link, string path, double seconds, Action<double, SignalMeter> progress, CancellationToken stop)
    {
        WavWriter? file = null;
        var (recorded, breaks) = (0.0, 0);
        try
        {
            await ListenAsync(
                link,
                (format, chunk, meter) =>
                {
                    file ??= new WavWriter(path, format.SampleRate, format.Channels);
                    breaks += chunk.IsBreak ? 1 : 0;
                    var samples = MemoryMarshal.Cast<byte, float>(chunk.Bytes.Span);
                    var left = ((long)Math.Round(seconds * format.SampleRate) * format.Channels) - file.Samples;
                    file.Write(samples[..(int)Math.Min(left, samples.Length)]);
                    recorded = (double)file.Samples / format.Channels / format.SampleRate;
                    progress(recorded, meter);
                    return left > samples.Length;
                },
                stop).ConfigureAwait(false);
        }
        finally
        {
            file?.Dispose();
        }

        return (recorded, breaks);
    }

    /// <summary>Hears a device and tells its levels, ten times a second or so, until it is asked to stop.</summary>
    /// <exception cref="InvalidAudioException">The device can't be opened, or has gone.</exception>
    public static Task WatchAsync(DeviceChoice choice, Action<SignalMeter> levels, CancellationToken stop) =>
        ListenAsync(
            Link(choice),
            (_, _, meter) =>
            {
                levels(meter);
                return true;
            },
            stop);

    private static MicrophoneLink Link(DeviceChoice choice) => new(new CaptureArguments(choice, null, 1, null, s_latency));

    private static async Task ListenAsync(ILiveLink link, Func<PcmFormat, PcmChunk, SignalMeter, bool> heard, CancellationToken stop)
    {
        try
        {
            await using var connection = await link.OpenAsync(s_patience, stop).ConfigureAwait(false);
            var decoder = new PcmDecoder(connection.Format);
            var meter = new SignalMeter(connection.Format.SampleRate);
            var mono = new float[connection.Format.SampleRate];
            while (true)
            {
                var chunk = await connection.ReadAsync(stop).AsTask().WaitAsync(s_patience, stop).ConfigureAwait(false);
                if (chunk.Bytes.IsEmpty)
                    throw await connection.WhyEndedAsync().ConfigureAwait(false);
                for (var rest = chunk.Bytes.Span; !rest.IsEmpty;)
                {
                    var frames = decoder.Decode(rest, mono);
                    rest = rest[(frames * connection.Format.BytesPerFrame)..];
                    meter.Accept(mono.AsSpan(0, frames));
                }

                if (!heard(connection.Format, chunk, meter))
                    return;
            }
        }
        catch (LinkException e)
        {
            throw new InvalidAudioException(e.Message);
        }
        catch (TimeoutException)
        {
            throw new InvalidAudioException($"{link.Description}: no sound came for {s_patience.TotalSeconds} s");
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked to.
        }
    }
}
