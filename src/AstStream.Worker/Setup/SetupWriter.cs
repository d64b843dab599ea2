using System.Text;
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
    /// <exception cref="InvalidDataException">
    /// The answers make no good pipeline, or a secret can't be kept; the files are as before.
    /// </exception>
    /// <exception cref="IOException">A file can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static void Write(SetupAnswers answers, string path, string data, PipelineHost host)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        List<(string Name, string Value)> secrets = [.. SetupText.Secrets(answers)];
        var kept = Path.Combine(folder, Expansion.SecretsFile);
        var before = Secrets(kept);
        foreach (var (name, value) in secrets)
        {
            if (!File.Exists(path) && SecretsText.Find(before, name) is { } other && other != value)
                throw new InvalidDataException(
                    $"{kept}: has another {name} already, which another pipeline may use; give the stream another name, or another folder");
            Environment.SetEnvironmentVariable(name, value); // to be tried with, before anything is replaced
        }

        var text = SetupText.With(before, secrets);
        var next = $"{path}.{Guid.NewGuid():N}.new";
        try
        {
            File.WriteAllText(next, SetupText.Pipeline(answers, data));
            Pipeline.Load(next, [], host).Dispose();
            if (secrets.Count > 0)
                Replace(kept, text);
            if (File.Exists(path))
                File.Move(path, path + ".old", overwrite: true);
            File.Move(next, path);
        }
        catch (InvalidPipelineException e)
        {
            throw new InvalidDataException(string.Join('\n', e.Problems.Select(
                p => p.ToString().Replace(next, path, StringComparison.Ordinal))));
        }
        finally
        {
            File.Delete(next);
        }
    }

    /// <summary>What a secrets file holds.</summary>
    private static string Secrets(string path)
    {
        try
        {
            return File.Exists(path) ? new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path)) : "";
        }
        catch (DecoderFallbackException)
        {
            throw new InvalidDataException($"{path}: is no text in UTF-8; expected lines NAME=VALUE");
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

    /// <summary>
    /// Puts a secrets file in place of another, as a whole. Nobody else may read it at any time, but those who might read the other.
    /// </summary>
    private static void Replace(string path, string text)
    {
        if (File.Exists(path))
            path = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        var next = $"{path}.{Guid.NewGuid():N}.new";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = Private;
        using (var writer = new StreamWriter(next, options))
            writer.Write(text);
        if (!OperatingSystem.IsWindows() && File.Exists(path))
            File.SetUnixFileMode(next, File.GetUnixFileMode(path));
        File.Move(next, path, overwrite: true);
    }
}
