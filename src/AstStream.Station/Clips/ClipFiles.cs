using System.Threading.Channels;
using AstStream.Station.Store;

namespace AstStream.Station.Clips;

/// <summary>
/// Writes clips to files in a folder, on one task of its own: nobody waits for the disk. What can't be written is given up and counted, and
/// everything else goes on.
/// </summary>
internal sealed class ClipFiles : IClipFiles, IAsyncDisposable
{
    private const int MostOpen = 1024;
    private const long MostWaiting = 32L << 20; // samples that wait for the disk, before no clip begins
    private const int Capacity = 65_536; // of the queue: half of it is for ends, which always find room

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10); // with the disk, at the end
    private static readonly TimeSpan s_betweenStores = TimeSpan.FromSeconds(1); // each waits for the disk, and records with it
    private static readonly TimeSpan s_storePatience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_betweenTries = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_betweenWarnings = TimeSpan.FromMinutes(1);

    private readonly ClipFolder _folder;
    private readonly ClipFormat _format;
    private readonly Func<IReadOnlyList<StoredClip>, IReadOnlyList<(string File, long Bytes)?>> _finished;
    private readonly TimeProvider _time;
    private readonly Channel<Work> _work = Channel.CreateBounded<Work>(Capacity);
    private readonly Dictionary<OpenClip, ClipFile?> _files = []; // null: was given up. Of the task, as the next ones
    private readonly List<StoredClip> _whole = []; // not in the store yet
    private long _stored; // when some came there
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _task;
    private long _waiting; // samples
    private int _open;
    private long _warned; // when; 0: never

    /// <summary>Begins to write.</summary>
    /// <param name="folder">Where clips are.</param>
    /// <param name="format">How they are written.</param>
    /// <param name="finished">
    /// Takes clips that are whole, and returns the files that they replace; may fail, then the clips are removed. On the task.
    /// </param>
    /// <param name="time">The clock.</param>
    public ClipFiles(
        ClipFolder folder, ClipFormat format, Func<IReadOnlyList<StoredClip>, IReadOnlyList<(string File, long Bytes)?>> finished,
        TimeProvider time)
    {
        (_folder, _format, _finished, _time) = (folder, format, finished, time);
        _task = Task.Run(WriteAsync);
    }

    /// <summary>Takes what goes wrong, in words, at most once a minute.</summary>
    public Action<string> Warn { get; set; } = _ => { };

    /// <summary>What became of clips.</summary>
    public ClipCounts Counts { get; } = new();

    public bool TryBegin(OpenClip clip)
    {
        if (Volatile.Read(ref _open) >= MostOpen || Interlocked.Read(ref _waiting) >= MostWaiting || _work.Reader.Count > Capacity / 4)
        {
            Skip(ClipSkip.Busy);
            return false;
        }

        if (!_folder.HasRoom)
        {
            Skip(ClipSkip.DiskFull);
            Complain($"{_folder.Path}: less than the disk space that is to stay free is left; clips are left out until there is more");
            return false;
        }

        Interlocked.Increment(ref _open);
        _work.Writer.TryWrite(new Work(clip, null));
        return true;
    }

    public void Append(OpenClip clip, short[] samples)
    {
        clip.IsCutShort |= Interlocked.Read(ref _waiting) >= 2 * MostWaiting || _work.Reader.Count > Capacity / 2;
        if (clip.IsCutShort)
            return;
        Interlocked.Add(ref _waiting, samples.Length);
        _work.Writer.TryWrite(new Work(clip, samples));
    }

    public void Finish(OpenClip clip)
    {
        Interlocked.Decrement(ref _open);
        _work.Writer.TryWrite(new Work(clip, null, IsEnd: true));
    }

    public void Skip(ClipSkip why) => Counts.Skip(why);

    /// <summary>Writes what was taken, for a while.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_work.Writer.TryComplete())
            _stop.CancelAfter(s_patience);
        await _task.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task WriteAsync()
    {
        try
        {
            while (await WaitAsync().ConfigureAwait(false))
            {
                while (_work.Reader.TryRead(out var work))
                {
                    try
                    {
                        Do(work);
                    }
                    catch (Exception e) when (e is IOException or UnauthorizedAccessException or DllNotFoundException)
                    {
                        GiveUp(work.Clip, e.Message);
                    }

                    Interlocked.Add(ref _waiting, -(work.Samples?.Length ?? 0));
                    if (_time.GetElapsedTime(_stored) >= s_betweenStores)
                        await StoreAsync().ConfigureAwait(false);
                }
            }

            await StoreAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // What is not written by now is left out.
        }

        foreach (var file in _files.Values)
            file?.Dispose();
        _whole.ForEach(c => Remove(c.File));
    }

    /// <summary>Waits for more to do; meanwhile what is whole goes to the store. False at the end.</summary>
    private async Task<bool> WaitAsync()
    {
        var more = _work.Reader.WaitToReadAsync(_stop.Token).AsTask();
        if (_whole.Count > 0 && await Task.WhenAny(more, Task.Delay(s_betweenStores, _time, _stop.Token)).ConfigureAwait(false) != more)
            await StoreAsync().ConfigureAwait(false);
        return await more.ConfigureAwait(false);
    }

    private void Do(Work work)
    {
        var clip = work.Clip;
        if (work.Samples is { } samples)
        {
            if (_files.GetValueOrDefault(clip) is { } open)
                open.Append(samples);
        }
        else if (!work.IsEnd)
        {
            _files[clip] = null; // where it can't be created
            _files[clip] = new ClipFile(_folder.NewPath(clip), _format, clip.SampleRate);
        }
        else if (_files.Remove(clip, out var file) && file is not null)
        {
            using (file)
                Complete(clip, file);
        }
    }

    private void Complete(OpenClip clip, ClipFile file)
    {
        if (clip.IsCutShort)
            Skip(ClipSkip.Busy);
        if (clip.IsCutShort || clip.IsSpoiled || clip.Found <= clip.Muted)
            return; // or nothing of it may be heard, or nothing was there
        var (path, bytes) = file.Complete();
        var samples = clip.Written - clip.Start;
        _whole.Add(new StoredClip(clip.Id, clip.Stream, clip.Start, clip.SampleRate, samples, _folder.Relative(path), bytes)
        {
            Muted = clip.Muted,
            Missing = samples - clip.Found,
            Events = clip.Events,
            Scores = clip.Scores,
        });
    }

    /// <summary>
    /// Gives the clips that are whole to the store, all at once. Where another process holds that, or its disk is full, it is tried again
    /// for a while; then the clips are given up.
    /// </summary>
    private async Task StoreAsync()
    {
        for (var since = _time.GetTimestamp(); _whole.Count > 0;)
        {
            try
            {
                var replaced = _finished(_whole);
                foreach (var (clip, old) in _whole.Zip(replaced))
                {
                    _folder.Add(clip.Bytes - (old?.Bytes ?? 0));
                    if (old is { } other && other.File != clip.File)
                        Remove(other.File);
                    Counts.Write();
                }

                _whole.Clear();
            }
            catch (StoreException e) when (e.IsTransient && _time.GetElapsedTime(since) < s_storePatience)
            {
                await Task.Delay(s_betweenTries, _time, _stop.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException)
            {
                foreach (var clip in _whole)
                {
                    Skip(ClipSkip.Failed);
                    Remove(clip.File);
                }

                _whole.Clear();
                Complain($"clips are left out: {e.Message}");
            }
        }

        _stored = _time.GetTimestamp();
    }

    /// <summary>Removes a file that the store does not name, or names no longer; where that fails, it stays.</summary>
    private void Remove(string file)
    {
        try
        {
            _folder.Remove(file, 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is removed at a later start, when it is old.
        }
    }

    private void GiveUp(OpenClip clip, string why)
    {
        if (_files.TryGetValue(clip, out var file))
        {
            file?.Dispose();
            _files[clip] = null;
        }

        Skip(ClipSkip.Failed);
        Complain($"a clip of {clip.Stream.Id} is left out: {why}");
    }

    private void Complain(string what)
    {
        var last = Interlocked.Read(ref _warned);
        if (last != 0 && _time.GetElapsedTime(last) < s_betweenWarnings)
            return;
        if (Interlocked.CompareExchange(ref _warned, _time.GetTimestamp(), last) == last)
            Warn(what);
    }

    private sealed record Work(OpenClip Clip, short[]? Samples, bool IsEnd = false);
}
