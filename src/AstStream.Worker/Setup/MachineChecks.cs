using System.Globalization;
using System.Runtime.InteropServices;
using AstStream.Connectors.Capture;
using AstStream.Connectors.Programs;
using AstStream.Connectors.Terminal;
using AstStream.Dsp;
using AstStream.Dsp.Simd;
using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;
using AstStream.Streaming.Clocks;

namespace AstStream.Worker.Setup;

/// <summary>What a machine needs for any pipeline: libraries, cards, a clock, room, a model that runs.</summary>
internal static class MachineChecks
{
    private const double Room = 2e9; // bytes

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private static readonly string[] s_cuda = ["libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13", "libcudnn.so.9"];

    /// <summary>Looks at all of it, one thing after the other.</summary>
    /// <param name="model">The default model's folder.</param>
    /// <param name="data">Where things are kept.</param>
    /// <param name="stop">Ends it.</param>
    public static async IAsyncEnumerable<Finding> AllAsync(
        string model, string data, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        yield return Program();
        yield return await ModelAsync(model, stop).ConfigureAwait(false);
        foreach (var finding in await SoundAsync(stop).ConfigureAwait(false))
            yield return finding;
        yield return await FfmpegAsync(stop).ConfigureAwait(false);
        yield return Library("libsndfile.so.1") ? Finding.Good("FLAC, odd WAV", "libsndfile is there")
            : Finding.Note("FLAC, odd WAV", "libsndfile is not there: clips are WAV", "apt-get install libsndfile1");
        if (Gpu() is { } gpu)
            yield return gpu;
        yield return WallClock.IsKernelSynchronized() ? Finding.Good("clock", "synchronised")
            : Finding.Note("clock", "nobody sets it: times of events may be wrong", "apt-get install systemd-timesyncd, or chrony");
        yield return Disk(data);
        yield return OpenFiles.Limit >= 4096
            ? Finding.Good("open files", string.Create(CultureInfo.InvariantCulture, $"at most {OpenFiles.Limit}"))
            : Finding.Note(
                "open files", $"at most {OpenFiles.Limit}: enough for {(OpenFiles.Limit - OpenFiles.Least) / OpenFiles.PerSource} sources",
                "ulimit -n 65536, or LimitNOFILE=65536 in a unit");
    }

    private static Finding Program() => Finding.Good(
        "program", $"{typeof(MachineChecks).Assembly.GetName().Version!.ToString(3)}, {RuntimeInformation.OSArchitecture}, "
            + $"{RuntimeInformation.FrameworkDescription}, {Environment.ProcessorCount} cores, {SimdKernels.Default}");

    private static async Task<Finding> ModelAsync(string folder, CancellationToken stop)
    {
        try
        {
            return await Task.Run(
                () =>
                {
                    using var checkpoint = AstCheckpoint.Open(folder);
                    using var session = AstSession.Create(checkpoint);
                    return Finding.Good("model", string.Create(
                        CultureInfo.InvariantCulture,
                        $"{Path.GetFileName(folder)} runs as its reference does; {session.WindowsPerSecond:0} windows/s: about "
                            + $"{Math.Max(1, Math.Floor(session.WindowsPerSecond * 0.7)):0} live streams with hop: 1s"));
                },
                stop).ConfigureAwait(false);
        }
        catch (Exception e) when (e is InvalidCheckpointException or ModelExecutionException)
        {
            return Finding.Bad("model", e.Message, "install AstStream again, or name another one: ASTSTREAM_DEFAULTMODEL");
        }
    }

    private static async Task<IReadOnlyList<Finding>> SoundAsync(CancellationToken stop)
    {
        if (!Library("libportaudio.so.2"))
            return [Finding.Note("microphones", "PortAudio is not there: no microphone can be heard", "apt-get install libportaudio2")];
        try
        {
            return Sound(await AudioDevices.ListAsync(stop).ConfigureAwait(false));
        }
        catch (InvalidAudioException e)
        {
            return [Finding.Bad("microphones", e.Message, "aststream devices says more")];
        }
    }

    private static List<Finding> Sound(IReadOnlyList<AudioDevice> found)
    {
        var real = found.Where(d => !d.IsMonitor && d.Name is not ("pulse" or "default")).ToList();
        var hasCards = Directory.Exists("/dev/snd");
        var isDenied = hasCards && Directory.GetFiles("/dev/snd", "pcm*c").Any(f => !CanRead(f));
        List<Finding> findings =
        [
            real.Count > 0 ? Finding.Good("microphones", string.Join(", ", real.Select(d => d.Name)))
            : found.Count > 0 ? Finding.Note(
                "microphones", $"only {string.Join(", ", found.Select(d => d.Name).Distinct())}",
                "plug one in; where a sound server runs, pulseaudio-utils shows its sources by their names")
            : isDenied ? Finding.Bad(
                "microphones", $"there are sound cards, and {Environment.UserName} may not open them",
                $"sudo usermod -aG audio {Environment.UserName}, and log in again")
            : Finding.Note(
                "microphones", hasCards ? "no card that anything can be recorded from" : "no sound card",
                hasCards ? "plug one in; is it held by another program?" : "plug one in, or use a camera, files or Kafka"),
        ];
        if (found.Any(d => d.Name == "pulse") && found.All(d => d.ServerSource is null))
            findings.Add(Finding.Note(
                "sound server", "its sources can't be listed by their names", "apt-get install pulseaudio-utils"));
        return findings;
    }

    private static async Task<Finding> FfmpegAsync(CancellationToken stop)
    {
        var found = await SystemProgram.RunAsync("ffmpeg", ["-version"], s_patience, stop).ConfigureAwait(false);
        return found is { Code: 0 } ffmpeg
            ? Finding.Good(
                "cameras, streams",
                string.Join(' ', ffmpeg.Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Take(3)))
            : Finding.Note(
                "cameras, streams", "ffmpeg is not there: only WAV, FLAC and microphones can be heard", "apt-get install ffmpeg");
    }

    /// <summary>A GPU and what it needs; null where there is none.</summary>
    private static Finding? Gpu()
    {
        if (!File.Exists("/dev/nvidiactl"))
            return null;
        if (!File.Exists(Path.Combine(AppContext.BaseDirectory, "libonnxruntime_providers_cuda.so")))
            return Finding.Note("GPU", "there is one, and this build has no CUDA", "install aststream-cuda in place of aststream");
        List<string> missing = [.. s_cuda.Where(l => !Library(l))];
        return missing.Count == 0
            ? Finding.Good("GPU", "there is one, with CUDA 13 and cuDNN 9: providers: [cuda]")
            : Finding.Bad("GPU", $"there is one, and {string.Join(", ", missing)} can't be loaded", "install CUDA 13 and cuDNN 9");
    }

    private static Finding Disk(string folder)
    {
        // Where it will be: the folder itself may not be there yet.
        var there = folder;
        while (!Directory.Exists(there) && Path.GetDirectoryName(there) is { Length: > 0 } above)
            there = above;
        try
        {
            var free = new DriveInfo(there).AvailableFreeSpace;
            var text = string.Create(CultureInfo.InvariantCulture, $"{free / 1e9:0.0} GB free for {folder}");
            return free >= Room ? Finding.Good("disk", text)
                : Finding.Bad("disk", text, "make room, or keep less: station.retention and its free");
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return Finding.Bad("disk", $"{folder}: {e.Message}", "name another folder: station.data");
        }
    }

    private static bool Library(string name)
    {
        if (!NativeLibrary.TryLoad(name, out var handle))
            return false;
        NativeLibrary.Free(handle);
        return true;
    }

    private static bool CanRead(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
        catch (IOException)
        {
            return true; // it is in use, so it may be opened
        }
    }
}
