using System.Threading.Channels;
using AstStream.Events;
using AstStream.Streaming.Sources;
using AstStream.Tests.Dsp;

namespace AstStream.Tests.Streaming;

/// <summary>A source of one stream that gives sound when it is asked to.</summary>
/// <param name="isLive">Whether it can't wait.</param>
/// <param name="begins">Receives its name and itself when it runs.</param>
/// <param name="sampleRate">The stream's rate.</param>
/// <param name="delivery">Who hears what is decided.</param>
/// <param name="startTime">When its first sample was heard; null where that is not known.</param>
internal sealed class PushSource(
    bool isLive, Action<string, PushSource> begins, int sampleRate = 16_000, IDelivery? delivery = null,
    DateTimeOffset? startTime = null) : IAudioSource
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly float[] _second = OnlineFbankTests.Noise(sampleRate, 5);
    private readonly Channel<(Func<SourceOutput, CancellationToken, Task> Do, TaskCompletionSource Done)> _told =
        Channel.CreateBounded<(Func<SourceOutput, CancellationToken, Task>, TaskCompletionSource)>(8);

    private StreamInfo? _stream;
    private long _position;

    public string Description => "pushes";

    public bool IsLive => isLive;

    /// <summary>Seconds of noise, a block each.</summary>
    public async Task PushAsync(int seconds)
    {
        for (var i = 0; i < seconds; i++)
            await PushAsync(_second, sampleRate);
    }

    /// <summary>Some sound, in blocks of a length.</summary>
    public Task PushAsync(float[] sound, int blockLength) => TellAsync(async (output, cancellation) =>
    {
        for (var at = 0; at < sound.Length; at += blockLength)
        {
            var block = AudioBlock.Rent(_stream!, _position, sampleRate, Math.Min(blockLength, sound.Length - at));
            sound.AsSpan(at, block.Samples.Length).CopyTo(block.Samples);
            _position += block.Samples.Length;
            await output.WriteAsync(block, cancellation);
        }
    });

    /// <summary>So many samples are missing.</summary>
    public Task SkipAsync(int samples) => TellAsync(async (output, cancellation) =>
    {
        _position += samples;
        await output.SkipAsync(_stream!, sampleRate, _position, LossReason.Gap, cancellation);
    });

    public void End() => _told.Writer.Complete();

    public async Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation)
    {
        _stream = new StreamInfo(output.Source, output.Source, startTime) { Delivery = delivery };
        begins(output.Source, this);
        try
        {
            await foreach (var (act, done) in _told.Reader.ReadAllAsync(stop))
            {
                await act(output, cancellation);
                done.SetResult();
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked to end.
        }

        await output.EndAsync(_stream, sampleRate, _position, cancellation);
    }

    private async Task TellAsync(Func<SourceOutput, CancellationToken, Task> act)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _told.Writer.WriteAsync((act, done));
        await done.Task.WaitAsync(s_patience);
    }
}
