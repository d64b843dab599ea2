namespace AstStream.Model.Checkpoints;

/// <summary>
/// Writes a checkpoint folder aside and moves it into place when it is whole: what was interrupted, or did not fit on the disk,
/// is never taken for a model.
/// </summary>
internal static class CheckpointFolder
{
    public const string ConfigFile = "config.json";
    public const string ExtractorFile = "preprocessor_config.json";
    public const string WeightsFile = "model.safetensors";
    public const string ThresholdsFile = "thresholds.json";
    public const string ViewsFile = "views.json";

    /// <summary>Refuses a target that can't be written to or holds something.</summary>
    public static void CheckTarget(string folder)
    {
        if (folder.Length == 0)
            throw new InvalidCheckpointException("--to: is empty; expected the name of a folder");
        if (File.Exists(folder))
            throw new InvalidCheckpointException($"{folder}: is a file; expected a folder that does not exist yet, or an empty one");
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new InvalidCheckpointException(
                $"{folder}: is not empty; expected a folder that does not exist yet, or an empty one. Remove it or name another");
    }

    /// <summary>Writes a folder; <paramref name="finish"/> may add files while it is still aside.</summary>
    public static void Write(
        string folder, byte[] config, byte[] extractor, IReadOnlyList<TensorToWrite> tensors, Action<string>? finish,
        IProgress<double>? progress)
    {
        CheckTarget(folder);
        folder = Path.GetFullPath(folder);
        var aside = $"{Path.TrimEndingDirectorySeparator(folder)}.{Path.GetRandomFileName()}.part";
        try
        {
            Directory.CreateDirectory(aside);
            SafetensorsWriter.Write(Path.Combine(aside, WeightsFile), tensors, progress);
            File.WriteAllBytes(Path.Combine(aside, ExtractorFile), extractor);
            File.WriteAllBytes(Path.Combine(aside, ConfigFile), config);
            finish?.Invoke(aside);
            if (Directory.Exists(folder))
                Directory.Delete(folder); // an empty one; it fails if something came in between
            Directory.Move(aside, folder);
        }
        catch (Exception e) when (DiskError.Is(e))
        {
            throw new IOException($"{folder}: can't be written: {e.Message.TrimEnd('.')}. Nothing was left there");
        }
        finally
        {
            if (Directory.Exists(aside))
                Directory.Delete(aside, recursive: true);
        }
    }
}
