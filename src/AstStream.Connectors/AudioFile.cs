using AstStream.Connectors.Capture;
using AstStream.Dsp;
using AstStream.Streaming;

namespace AstStream.Connectors;

/// <summary>
/// A file of sound, read front to back: WAV by our own reader, every other format through ffmpeg, where that is installed. Gives mono floats at
/// the file's own rate.
/// </summary>
public sealed class AudioFile : IDisposable, IAsyncDisposable
{
    /// <summary>What a folder is searched for: files whose names end so.</summary>
    public static readonly IReadOnlyList<string> Extensions =
        [".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".wma", ".aif", ".aiff", ".caf", ".w64", ".au", ".amr", ".mka", ".webm", ".mp4", ".mov", ".mkv"];

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30); // for a file's first sound

    private readonly WavReader _reader;
    private readonly ChildProcess? _ffmpeg;
    private readonly SecretUrl? _url;
    private string? _failure;

    private AudioFile(WavReader reader, ChildProcess? ffmpeg = null, SecretUrl? url = null) => (_reader, _ffmpeg, _url) = (reader, ffmpeg, url);

    /// <summary>Samples a second.</summary>
    public int SampleRate => _reader.Format.SampleRate;

    /// <summary>Set when the file is cut off, or its end could not be decoded: the error to give. Some of it is known at the start, all of it at the end.</summary>
    public string? Truncation => _failure ?? (_ffmpeg is null ? _reader.Truncation : null);

    /// <summary>The warning to give about odd samples at the end; null where there are none.</summary>
    public string? Warning => _reader.Warning;

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="channel">The channel to hear, from 0; null for the mean of all.</param>
    /// <param name="stop">Gives up waiting for ffmpeg.</param>
    /// <exception cref="InvalidAudioException">It is missing, or can't be read.</exception>
    public static async Task<AudioFile> OpenAsync(string path, int? channel = null, CancellationToken stop = default)
    {
        try
        {
            return new AudioFile(WavReader.Open(path, channel));
        }
        catch (InvalidAudioException e) when (e.IsOtherFormat)
        {
            if (ChildProcess.Find("ffmpeg") is null)
                throw new InvalidAudioException($"{e.Message}; {Ffmpeg.Missing}");
            try
            {
                return await OpenWithFfmpegAsync(new SecretUrl(Path.GetFullPath(path)), [], 0, channel, stop, path).ConfigureAwait(false);
            }
            catch (InvalidAudioException f)
            {
                throw new InvalidAudioException($"{e.Message}; nor what ffmpeg can read: {f.Message[(path.Length + 2)..]}");
            }
        }
    }

    /// <summary>Opens a file, and waits for that: for commands that do one thing.</summary>
    /// <exception cref="InvalidAudioException">It is missing, or can't be read.</exception>
    public static AudioFile Open(string path, int? channel = null) => OpenAsync(path, channel).GetAwaiter().GetResult();

    /// <summary>Opens a file, or a URL that ends, through ffmpeg.</summary>
    internal static async Task<AudioFile> OpenWithFfmpegAsync(SecretUrl url, IReadOnlyList<string> options, int track, int? channel, CancellationToken stop, string? shown = null)
    {
        var name = shown ?? url.Shown;
        var isFile = !SecretUrl.IsUrl(url.Value);
        if (isFile && !File.Exists(url.Value))
            throw new InvalidAudioException(Directory.Exists(url.Value) ? $"{name}: is a folder; expected a file" : $"{name}: no such file");
        ChildProcess child;
        try
        {
            // Named as a file, and with no way elsewhere: a name must not become a protocol, nor a playlist a way to the network.
            child = isFile
                ? await Ffmpeg.StartAsync("file:" + url.Value, ["-protocol_whitelist", "file,crypto,data", .. options], track).ConfigureAwait(false)
                : await Ffmpeg.StartAsync(url.Value, options, track).ConfigureAwait(false);
        }
        catch (LinkException e)
        {
            throw new InvalidAudioException($"{name}: {e.Message}");
        }

        try
        {
            var first = new byte[1];
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
            patience.CancelAfter(s_patience);
            if (await child.Output.ReadAsync(first, patience.Token).ConfigureAwait(false) == 0)
            {
                await child.EndedAsync().ConfigureAwait(false);
                throw new InvalidAudioException($"{name}: {Ffmpeg.Words(child, url) ?? "ffmpeg gave no sound, and did not say why"}");
            }

            return new AudioFile(new WavReader(new Prefixed(first[0], child.Output), name, channel), child, url);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            await child.DisposeAsync().ConfigureAwait(false);
            throw new InvalidAudioException($"{name}: ffmpeg gave no sound within {s_patience.TotalSeconds} s; ffmpeg said: {Ffmpeg.Words(child, url) ?? "nothing"}");
        }
        catch
        {
            await child.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Fills <paramref name="samples"/> and returns how many; 0 at the end.</summary>
    public int Read(Span<float> samples)
    {
        var read = _reader.Read(samples);
        if (read == 0 && _ffmpeg is not null && _failure is null)
            _failure = Failure();
        return read;
    }

    /// <inheritdoc/>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_ffmpeg is not null)
            await _ffmpeg.DisposeAsync().ConfigureAwait(false);
        _reader.Dispose();
    }

    /// <summary>Plays a file into a pipeline, as one stream, to its end; what is wrong with it is told there.</summary>
    internal static async Task PlayAsync(
        Func<Task<AudioFile>> open, string id, SourceOutput output, TimeProvider? pace, TimeSpan blockLength, CancellationToken stop, CancellationToken cancellation)
    {
        try
        {
            await using var file = await open().ConfigureAwait(false);
            await using var abort = stop.Register(() => file._ffmpeg?.Kill()).ConfigureAwait(false);
            await using var abandon = cancellation.Register(() => file._ffmpeg?.Kill()).ConfigureAwait(false);
            var rate = file.SampleRate;
            var stream = new StreamInfo(id, output.Source, pace?.GetUtcNow()) { Clock = pace is null ? null : output.MarkClock() };
            var pacer = pace is null ? null : new Pacer(pace, rate);
            var size = Math.Max(1, (int)(blockLength.TotalSeconds * rate));
            long position = 0;
            try
            {
                while (!stop.IsCancellationRequested)
                {
                    var block = AudioBlock.Rent(stream, position, rate, size);
                    var read = file.ReadInto(block);
                    if (read == 0)
                    {
                        block.Return();
                        break;
                    }

                    block.Resize(read);
                    position += read;
                    if (pacer is not null && !await pacer.WaitUntilAsync(position, stop).ConfigureAwait(false))
                    {
                        position -= read;
                        block.Return();
                        break;
                    }

                    await output.WriteAsync(block, cancellation).ConfigureAwait(false);
                }
            }
            finally
            {
                await output.EndAsync(stream, rate, position, cancellation).ConfigureAwait(false);
            }

            if (stop.IsCancellationRequested)
                return;
            if (file.Truncation is { } truncation)
                output.Fail(truncation);
            else if (position == 0)
                output.Fail($"{file._reader.Name}: holds no sound (0 samples)");
            if (file.Warning is { } warning)
                output.Warn(warning);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            // Asked to drain before there was any sound.
        }
        catch (InvalidAudioException e)
        {
            output.Fail(e.Message);
        }
    }

    /// <summary>Reads into a block, which goes back to its pool if that fails.</summary>
    private int ReadInto(AudioBlock block)
    {
        try
        {
            return Read(block.Samples);
        }
        catch
        {
            block.Return();
            throw;
        }
    }

    /// <summary>What ffmpeg had to say at the end of the sound: of a file that is cut off or broken in the middle it gives what it can.</summary>
    private string? Failure()
    {
        _ffmpeg!.EndedAsync().GetAwaiter().GetResult();
        var words = Ffmpeg.Words(_ffmpeg, _url!);
        return words is null && _ffmpeg.ExitCode is 0 or null ? null : $"{_reader.Name}: could not all be decoded; ffmpeg said: {words ?? $"nothing, and ended with code {_ffmpeg.ExitCode}"}";
    }

    /// <summary>A stream whose first byte was read to see whether there is one.</summary>
    private sealed class Prefixed(byte first, Stream rest) : Stream
    {
        private bool _isGiven;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            if (_isGiven || buffer.IsEmpty)
                return rest.Read(buffer);
            _isGiven = true;
            buffer[0] = first;
            return 1;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
