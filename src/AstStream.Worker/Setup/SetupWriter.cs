using AstStream.Station;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Pipelines;

namespace AstStream.Worker.Setup;

/// <summary>Writes a pipeline and its secrets, and tries what it talks to.</summary>
internal static class SetupWriter
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    /// <summary>Writes both, the pipeline only where it is a good one.</summary>
    /// <param name="answers">What is wanted.</param>
    /// <param name="path">The pipeline's file.</param>
    /// <param name="data">The folder of what is kept.</param>
    /// <param name="host">What checks it.</param>
    /// <exception cref="InvalidDataException">A secret can't be kept in a line.</exception>
    /// <exception cref="InvalidPipelineException">The answers make no good pipeline; the file is as before.</exception>
    /// <exception cref="IOException">A file can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static void Write(SetupAnswers answers, string path, string data, PipelineHost host)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        List<(string Name, string Value)> secrets = [.. SetupText.Secrets(answers)];
        var kept = Path.Combine(folder, Expansion.SecretsFile);
        var text = SetupText.With(File.Exists(kept) ? File.ReadAllText(kept) : "", secrets);
        foreach (var (name, value) in secrets)
            Environment.SetEnvironmentVariable(name, value); // to be tried with, before anything is replaced
        var next = path + ".new";
        try
        {
            File.WriteAllText(next, SetupText.Pipeline(answers, data));
            Pipeline.Load(next, [], host).Dispose();
            if (secrets.Count > 0)
                Replace(kept, text, Private);
            if (File.Exists(path))
                File.Move(path, path + ".old", overwrite: true);
            File.Move(next, path);
        }
        finally
        {
            File.Delete(next);
        }
    }

    /// <summary>Says of each peer and target whether it answers.</summary>
    /// <returns>Whether all do.</returns>
    public static async Task<bool> TryAsync(string path, PipelineHost host, CancellationToken stop)
    {
        using var pipeline = Pipeline.Load(path, [], host);
        var isWell = true;
        if (pipeline.Section<NotifySettings>() is { } notify)
        {
            foreach (var name in notify.TargetNames)
            {
                var (where, took, problem) = await Notifications.TryAsync(notify, name, TimeProvider.System, stop).ConfigureAwait(false);
                isWell &= problem is null;
                if (problem is null)
                    Terminal.Status(FormattableString.Invariant($"{name}: a message arrived at {where} in {took.TotalMilliseconds:0} ms"));
                else
                    Errors.Warn($"{name}: {problem}");
            }
        }

        foreach (var (component, peer) in pipeline.Peers.Where(p => p.Component != NotifySettings.Type.Name))
        {
            var problem = await Reachability.TroubleAsync(peer, s_patience, stop).ConfigureAwait(false);
            isWell &= problem is null;
            if (problem is null)
                Terminal.Status($"{component}: {peer} answers");
            else
                Errors.Warn($"{component}: {problem}; it is tried again for ever while it runs");
        }

        return isWell;
    }

    /// <summary>Puts a file in place of another, as a whole; nobody else may read it at any time.</summary>
    private static void Replace(string path, string text, UnixFileMode mode)
    {
        var next = path + ".new";
        File.Delete(next);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = mode;
        using (var writer = new StreamWriter(next, options))
            writer.Write(text);
        File.Move(next, path, overwrite: true);
    }
}
